"""The engine equals jpc 1.0.0 in float64, and linear networks reach their closed-form equilibrium."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pcsim.engine import Network, backpropagate, infer

HERE = Path(__file__).parent / "golden" / "pc"
BESIDE = Path(__file__).parents[2] / "shared" / "golden" / "pc"
LARGE = "p05_tanh_sp_pre_d3_784"
NAMES = [
    "p01_linear_sp_d2",
    "p02_linear_sp_d4_widths",
    pytest.param(
        LARGE,
        marks=pytest.mark.skipif(
            not (BESIDE / f"{LARGE}.npz").exists(), reason=f"{LARGE}.npz is too large to ship"
        ),
    ),
    "p08_tanh_sp_pre_ce_d3",
    "p09_tanh_sp_pre_d10",
]
LINEAR = NAMES[:2]
STEPS = (0, 1, 5, 20)


class Golden:
    """One golden network and its numbers."""

    def __init__(self, name):
        folder = HERE if (HERE / f"{name}.npz").exists() else BESIDE
        with np.load(folder / f"{name}.npz") as file:
            self.values = {key: file[key] for key in file.files}
        meta = json.loads(str(self.values["meta"]))
        loss = {"mse": "mse", "ce": "cross_entropy"}[meta["loss"]]
        self.network = Network(tuple(meta["dims"]), meta["activation"], loss, "float64")
        self.rate = meta["eta_per_sample"]
        self.weights = self.by_layer("W{}")
        self.x, self.y = self.values["x"], self.values["y"]

    def by_layer(self, key):
        """What is stored under ``key`` for layers 1..L; None where nothing is."""
        layers = range(1, self.network.layers + 1)
        return tuple(self.values.get(key.format(layer)) for layer in layers)

    def infer(self, steps):
        return infer(
            self.network, self.weights, self.x, self.y, steps=steps, rate=self.rate, wavefront=False
        )


@pytest.fixture(params=NAMES)
def golden(request):
    return Golden(request.param)


@pytest.fixture(params=LINEAR)
def linear(request):
    return Golden(request.param)


@pytest.mark.parametrize("steps", STEPS)
def test_states_after_inference_equal_jpc(golden, steps):
    result = golden.infer(steps)
    for ours, theirs in zip(result.states[:-1], golden.by_layer(f"z{{}}_T{steps}"), strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_the_feed_forward_output_equals_jpc(golden):
    np.testing.assert_allclose(
        golden.infer(0).states[-1], golden.values["pred_ffwd"], rtol=1e-12, atol=1e-14
    )


def test_layer_energies_and_their_sum_equal_jpc_at_every_step(golden):
    energies = golden.infer(max(STEPS)).energies
    np.testing.assert_allclose(energies.sum(axis=1), golden.values["F_traj"], rtol=1e-12)
    for steps in STEPS:
        theirs = golden.values[f"E_layers_T{steps}"]
        np.testing.assert_allclose(energies[steps], theirs, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("steps", STEPS)
def test_weight_gradients_of_the_energy_equal_jpc(golden, steps):
    theirs = golden.by_layer(f"gW{{}}_T{steps}")
    largest = max((np.abs(g).max() for g in theirs if g is not None), default=0.0)
    for ours, stored in zip(golden.infer(steps).gradients, theirs, strict=True):
        if stored is not None:
            np.testing.assert_allclose(ours, stored, rtol=0, atol=1e-12 * largest)


def test_backpropagation_equals_jax(golden):
    result = backpropagate(golden.network, golden.weights, golden.x, golden.y)
    theirs = golden.by_layer("bpW{}")
    largest = max(np.abs(gradient).max() for gradient in theirs)
    np.testing.assert_allclose(result.energies[0, -1], golden.values["bp_loss"], rtol=1e-12)
    for ours, stored in zip(result.gradients, theirs, strict=True):
        np.testing.assert_allclose(ours, stored, rtol=0, atol=1e-12 * largest)


def test_a_linear_network_relaxes_to_the_stored_equilibrium(linear):
    result = linear.infer(3000)
    np.testing.assert_allclose(result.energies[-1].sum(), linear.values["F_star"], rtol=1e-12)
    np.testing.assert_allclose(result.energies[-1], linear.values["E_layers_star"], rtol=1e-11)
    for ours, theirs in zip(result.states[:-1], linear.by_layer("z{}_star"), strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)
    theirs = linear.by_layer("gW{}_star")
    largest = max(np.abs(gradient).max() for gradient in theirs)
    for ours, stored in zip(result.gradients, theirs, strict=True):
        np.testing.assert_allclose(ours, stored, rtol=0, atol=1e-12 * largest)


def test_the_equilibrium_energy_is_that_of_the_closed_form(linear):
    """F* = 1/(2B) sum r^T S^-1 r, S = I + sum_{l>=2} P_l P_l^T, P_l = W_L ... W_l."""
    size, product = linear.network.widths[-1], np.eye(linear.network.widths[-1])
    s = np.eye(size)
    for layer in range(linear.network.layers, 1, -1):
        product = product @ linear.weights[layer - 1]
        s += product @ product.T
    r = linear.y - linear.x @ (product @ linear.weights[0]).T
    expected = 0.5 * np.sum(r * np.linalg.solve(s, r.T).T) / len(r)
    np.testing.assert_allclose(linear.infer(3000).energies[-1].sum(), expected, rtol=1e-12)


def test_the_equilibrium_states_solve_the_closed_form_system(linear):
    """z* = H^-1 b per sample, H block tridiagonal: I + W_{l+1}^T W_{l+1} beside -W_{l+1}^T."""
    w, widths = linear.weights, linear.network.widths
    ends = np.cumsum((0, *widths[1:-1]))
    h, b = np.eye(ends[-1]), np.zeros((ends[-1], len(linear.x)))
    slots = [slice(*pair) for pair in pairwise(ends)]
    b[slots[0]] += w[0] @ linear.x.T
    b[slots[-1]] += w[-1].T @ linear.y.T
    for i, slot in enumerate(slots):
        h[slot, slot] += w[i + 1].T @ w[i + 1]
        if i + 1 < len(slots):
            h[slot, slots[i + 1]] = -w[i + 1].T
            h[slots[i + 1], slot] = -w[i + 1]
    z = np.linalg.solve(h, b)
    for ours, slot in zip(linear.infer(3000).states[:-1], slots, strict=True):
        np.testing.assert_allclose(ours, z[slot].T, rtol=1e-11, atol=1e-13)
