"""The bound on the inference rate: that of the Hessian's eigenvalues, and where relaxing begins to fail."""

import json
from pathlib import Path

import numpy as np
import pytest

from pcsim.engine import DenseNetwork, Relaxation, infer, initial_weights
from pcsim.engine.stability import rate_limit

GOLDEN = Path(__file__).parents[1] / "golden" / "pc"
KINDS = {
    "plain": {},
    "mupc": {"skips": True, "parameterisation": "mupc"},
    "post": {"placement": "post", "bias": True},
}
WAYS = {
    "jacobi": {},
    "gauss_seidel": {"order": "gauss_seidel"},
    "red_black": {"order": "red_black"},
    "momentum": {"descent": "momentum", "momentum": 0.5},
    "epc": {"variant": "epc"},
    "fpa": {"variant": "fpa"},
}


@pytest.mark.parametrize(
    "name", ["p01_linear_sp_d2", "p03_linear_mupc_res_d6", "p04_linear_mupc_noskip_d5"]
)
def test_the_limit_is_two_over_the_largest_stored_eigenvalue_of_the_hessian(name):
    with np.load(GOLDEN / f"{name}.npz") as file:
        meta = json.loads(str(file["meta"]))
        weights = tuple(file[f"W{layer}"] for layer in range(1, meta["L"] + 1))
        x, largest = file["x"], file["H_eig"].max()
    network = DenseNetwork(
        tuple(meta["dims"]),
        "linear",
        "mse",
        parameterisation=meta["param_type"],
        skips=any(meta["skips"]),
    )
    limit = rate_limit(network, weights, x, relaxation=Relaxation(1, 0.1))
    np.testing.assert_allclose(limit, 2 / largest, rtol=1e-4)


def linear(kind):
    network = DenseNetwork((7, 8, 8, 8, 8, 4), "linear", "mse", **KINDS[kind])
    random = np.random.default_rng(0)
    return network, initial_weights(network, 1), *(random.standard_normal((9, n)) for n in (7, 4))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["jacobi", "momentum", "epc"])
def test_a_linear_network_settles_below_the_limit_and_diverges_above(way, kind):
    network, weights, x, y = linear(kind)
    limit = rate_limit(network, weights, x, relaxation=Relaxation(1, 0.1, **WAYS[way]))
    ends = []
    for share in (0.95, 1.05):
        how = Relaxation(600, limit * share, **WAYS[way])
        energies = infer(network, weights, x, y, relaxation=how).energies.sum(axis=1)
        ends.append(energies[-1] / energies[0])
    assert ends[0] < 1 < 1000 < ends[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["gauss_seidel", "red_black"])
def test_below_the_limit_every_sweep_lowers_the_energy(way, kind):
    network, weights, x, y = linear(kind)
    limit = rate_limit(network, weights, x, relaxation=Relaxation(1, 0.1, **WAYS[way]))
    for share in (0.3, 0.7, 0.99):
        how = Relaxation(40, limit * share, **WAYS[way])
        energies = infer(network, weights, x, y, relaxation=how).energies.sum(axis=1)
        assert np.all(np.diff(energies) <= 1e-14)
    beyond = Relaxation(600, 2.5 * limit, **WAYS[way])
    with np.errstate(all="ignore"):
        energies = infer(network, weights, x, y, relaxation=beyond).energies.sum(axis=1)
    assert not energies[-1] < energies[0]


def test_cross_entropy_curves_less_than_squares_at_the_output():
    limits = []
    for loss in ("mse", "cross_entropy"):
        network = DenseNetwork((7, 8, 4), "tanh", loss)
        x = np.random.default_rng(0).standard_normal((9, 7))
        weights = tuple(3 * w for w in initial_weights(network, 1))
        limits.append(rate_limit(network, weights, x, relaxation=Relaxation(1, 0.1)))
    assert limits[0] < limits[1] < 2


@pytest.mark.parametrize("settings", [{"variant": "z_il"}, {"descent": "adam"}], ids=str)
def test_there_is_no_bound_where_none_is_known(settings):
    network, weights, x, _ = linear("plain")
    assert rate_limit(network, weights, x, relaxation=Relaxation(1, 1.0, **settings)) is None
