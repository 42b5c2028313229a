"""How weights change over many updates, against plain optimisers and between settings that must not matter."""

import numpy as np
import pytest

from pcsim.config import OptimiserSettings
from pcsim.engine.learner import Learner
from pcsim.engine.network import DenseNetwork, batch_rows, initial_weights
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.rules import BackwardPass, Relaxing
from pcsim.engine.setup import TrainingSetup
from tests.oracles import reference_pc as reference

NETWORK = DenseNetwork((7, 9, 6, 8, 4), "tanh", "mse", "float64")
PC = Relaxing(Relaxation(steps=2, rate=0.3))
SAMPLES, BATCH, SEED = 40, 12, 3


def learner_of(rule, optimiser, *, network=NETWORK, batch=BATCH):
    random = np.random.default_rng(8)
    x = random.standard_normal((SAMPLES, network.widths[0])).astype(network.dtype)
    targets = np.eye(network.widths[-1], dtype=network.dtype)
    y = targets[random.integers(0, network.widths[-1], SAMPLES)]
    weights = initial_weights(network, SEED)
    return Learner(
        network,
        weights,
        rule,
        TrainingSetup(
            x=x,
            y=y,
            batch=batch,
            # Also rates that no file may say.
            optimiser=OptimiserSettings.model_construct(kind=optimiser[0], rate=optimiser[1]),
            updates_total=9,
        ),
    )


def gradients_of(rule, weights, x, y):
    if rule == PC:
        z = reference.relax(
            NETWORK, weights, x, y, steps=PC.relaxation.steps, rate=PC.relaxation.rate
        )
        return reference.gradients(NETWORK, weights, x, y, z)
    return reference.back_gradients(NETWORK, weights, x, y)


def sgd(weights, gradients, _state, *, rate):
    return [w - rate * g for w, g in zip(weights, gradients, strict=True)]


def adam(weights, gradients, state, *, rate, b1=0.9, b2=0.999, epsilon=1e-8):
    """Algorithm 1 of arXiv 1412.6980."""
    state["t"] = state.get("t", 0) + 1
    updated = []
    for i, (w, g) in enumerate(zip(weights, gradients, strict=True)):
        m = state["m", i] = b1 * state.get(("m", i), 0) + (1 - b1) * g
        v = state["v", i] = b2 * state.get(("v", i), 0) + (1 - b2) * g**2
        m_hat, v_hat = m / (1 - b1 ** state["t"]), v / (1 - b2 ** state["t"])
        updated.append(w - rate * m_hat / (np.sqrt(v_hat) + epsilon))
    return updated


@pytest.mark.parametrize("rule", [PC, BackwardPass()], ids=["pc", "bp"])
@pytest.mark.parametrize(("kind", "step"), [("sgd", sgd), ("adam", adam)])
def test_several_updates_equal_a_plain_optimiser(rule, kind, step):
    learner = learner_of(rule, (kind, 0.05))
    order = batch_rows(SEED, SAMPLES, batch=BATCH, epochs=3)
    learner.updates(order[:5], done=0)
    made, energy = learner.updates(order[5:], done=5)
    weights, state = initial_weights(NETWORK, SEED), {}
    for rows in order:
        x, y = learner.data.samples[rows], learner.data.targets[rows]
        last = weights
        weights = step(weights, gradients_of(rule, weights, x, y), state, rate=0.05)
    assert made == len(order) - 5
    for ours, theirs in zip(learner.weights(), weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)
    z, _ = reference.feed_forward(NETWORK, last, x)
    if rule == PC:
        z = reference.relax(NETWORK, last, x, y, steps=PC.relaxation.steps, rate=PC.relaxation.rate)
    expected = reference.energies(NETWORK, last, x, y, z).sum()
    np.testing.assert_allclose(energy, expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_skipping_idle_layers_leaves_trained_weights_identical(dtype, steps):
    network = DenseNetwork((7, 9, 6, 8, 5, 4), "relu", "mse", dtype)
    trained = []
    for wavefront in (True, False):
        rule = Relaxing(Relaxation(steps, 0.3, wavefront))
        learner = learner_of(rule, ("adam", 0.01), network=network)
        learner.updates(batch_rows(SEED, SAMPLES, batch=BATCH, epochs=4), done=0)
        trained.append(learner.weights())
    for a, b in zip(*trained, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rule", [PC, BackwardPass()], ids=["pc", "bp"])
def test_measuring_does_not_learn(rule):
    learner = learner_of(rule, ("adam", 0.05))
    learner.updates(batch_rows(SEED, SAMPLES, batch=BATCH, epochs=1), done=0, learn=False)
    for ours, initial in zip(learner.weights(), initial_weights(NETWORK, SEED), strict=True):
        np.testing.assert_array_equal(ours, initial)


@pytest.mark.parametrize("rule", [PC, BackwardPass()], ids=["pc", "bp"])
def test_updates_stop_with_the_one_whose_outputs_are_not_finite(rule):
    network = DenseNetwork((7, 9, 6, 8, 4), "linear", "mse", "float64")
    learner = learner_of(rule, ("sgd", 1e200), network=network)
    order = batch_rows(SEED, SAMPLES, batch=BATCH, epochs=9)
    made, energy = learner.updates(order, done=0)
    assert 1 < made < len(order)
    assert np.isnan(energy)


def test_initial_weights_are_uniform_by_fan_in():
    weights = initial_weights(DenseNetwork((400, 300, 10), "relu", "mse", "float32"), 0)
    assert [w.shape for w in weights] == [(300, 400), (10, 300)]
    for w in weights:
        bound = 1 / np.sqrt(w.shape[1])
        assert w.dtype == np.float32
        assert 0.99 * bound < np.abs(w).max() <= np.float32(bound)
        # The variance of U(-b, b) is b^2 / 3; its estimate from n draws is within a few 1/sqrt(n).
        np.testing.assert_allclose(w.var(), bound**2 / 3, rtol=4 / np.sqrt(w.size))


def test_number_formats_share_initial_weights_up_to_rounding():
    single, double = (
        initial_weights(DenseNetwork((9, 5, 3), "relu", "mse", dtype), 4)
        for dtype in ("float32", "float64")
    )
    for a, b in zip(single, double, strict=True):
        np.testing.assert_array_equal(a, b.astype(np.float32))


def test_every_epoch_uses_each_sample_at_most_once_and_leaves_out_the_partial_batch():
    rows = batch_rows(7, 25, batch=8, epochs=4)
    assert rows.shape == (12, 8)
    epochs = rows.reshape(4, 24)
    for epoch in epochs:
        assert len(set(epoch.tolist())) == 24
        assert set(epoch.tolist()) <= set(range(25))
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_seeds_differ_in_weights_and_batches():
    a, b = (initial_weights(NETWORK, seed)[0] for seed in (0, 1))
    assert not np.array_equal(a, b)
    assert not np.array_equal(*(batch_rows(s, 25, batch=8, epochs=1) for s in (0, 1)))
