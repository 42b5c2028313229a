"""The engine equals jpc 1.0.0 in float64, and linear networks reach their closed-form equilibrium."""

import json
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pcsim.config import OptimiserSettings
from pcsim.engine import DenseNetwork, backpropagate, infer
from pcsim.engine.learner import Learner
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.rules import Relaxing
from pcsim.engine.setup import TrainingSetup

HERE = Path(__file__).parents[1] / "golden" / "pc"
BESIDE = Path(__file__).parents[3] / "shared" / "golden" / "pc"


def golden_name(name):
    """A network whose file is too large to ship: its tests are skipped where it does not lie beside."""
    missing = not (BESIDE / f"{name}.npz").exists()
    return pytest.param(
        name, marks=pytest.mark.skipif(missing, reason=f"{name}.npz is too large to ship")
    )


LINEAR = [
    "p01_linear_sp_d2",
    "p02_linear_sp_d4_widths",
    "p03_linear_mupc_res_d6",
    "p04_linear_mupc_noskip_d5",
]
NAMES = [
    *LINEAR,
    golden_name("p05_tanh_sp_pre_d3_784"),
    "p06_relu_sp_pre_bias_d4",
    "p07_tanh_sp_post_bias_d3",
    "p08_tanh_sp_pre_ce_d3",
    "p09_tanh_sp_pre_d10",
    golden_name("p10_relu_mupc_res_784_jpcnb"),
    "p11_tanh_mupc_res_d20",
    "p12_tanh_ntp_res_d5",
    "p13_relu_sp_res_d6_T100",
    "p14_leaky_sp_post_bias_d4_pcxlike",
]


class Golden:
    """One golden network and its numbers."""

    def __init__(self, name):
        folder = HERE if (HERE / f"{name}.npz").exists() else BESIDE
        with np.load(folder / f"{name}.npz") as file:
            self.values = {key: file[key] for key in file.files}
        meta = json.loads(str(self.values["meta"]))
        loss = {"mse": "mse", "ce": "cross_entropy"}[meta["loss"]]
        self.extra = meta["extra"]
        self.network = DenseNetwork(
            tuple(meta["dims"]),
            meta["activation"],
            loss,
            "float64",
            parameterisation=meta["param_type"],
            skips=any(meta["skips"]),
            placement=meta["placement"],
            bias=meta["bias"],
        )
        assert self.network.skipped == tuple(meta["skips"])
        np.testing.assert_allclose(self.network.scales, meta["scalings"], rtol=1e-15)
        self.rate = meta["eta_per_sample"]
        self.steps = tuple(meta["T"])
        self.weights = self.parameters("{}{}")
        self.x, self.y = self.values["x"], self.values["y"]

    def by_layer(self, key):
        """What is stored under ``key`` for layers 1..L; None where nothing is."""
        layers = range(1, self.network.layers + 1)
        return tuple(self.values.get(key.format(layer)) for layer in layers)

    def parameters(self, key):
        """What is stored under ``key`` for the weights and, where there are any, the biases."""
        kinds = "Wb" if self.network.bias else "W"
        return tuple(a for kind in kinds for a in self.by_layer(key.format(kind, "{}")))

    @property
    def matrices(self):
        """M_1..M_L of a linear network, p_l = M_l z_{l-1}."""
        layers = zip(self.network.scales, self.weights, self.network.skipped, strict=True)
        return [a * w + (np.eye(len(w)) if skip else 0) for a, w, skip in layers]

    @cached_property
    def settled(self):
        """A linear network at its equilibrium, to the last digits."""
        return self.infer(6000, rate=1.8 / self.values["H_eig"].max())

    def infer(self, steps, *, beta=None, **settings):
        relaxation = Relaxation(
            **{"rate": self.rate, "wavefront": False, "steps": steps, **settings}
        )
        x, y = self.x, self.y
        return infer(self.network, self.weights, x, y, relaxation=relaxation, beta=beta)


@pytest.fixture(params=NAMES, scope="module")
def golden(request):
    return Golden(request.param)


@pytest.fixture(params=LINEAR, scope="module")
def linear(request):
    return Golden(request.param)


def test_states_after_inference_equal_jpc(golden):
    for steps in golden.steps:
        result = golden.infer(steps)
        theirs = golden.by_layer(f"z{{}}_T{steps}")
        for a, b in zip(result.states[:-1], theirs, strict=False):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_the_feed_forward_output_equals_jpc(golden):
    np.testing.assert_allclose(
        golden.infer(0).states[-1], golden.values["pred_ffwd"], rtol=1e-12, atol=1e-14
    )


def test_layer_energies_and_their_sum_equal_jpc_at_every_step(golden):
    energies = golden.infer(max(golden.steps)).energies
    np.testing.assert_allclose(energies.sum(axis=1), golden.values["F_traj"], rtol=1e-12)
    for steps in golden.steps:
        theirs = golden.values[f"E_layers_T{steps}"]
        np.testing.assert_allclose(energies[steps], theirs, rtol=1e-12, atol=1e-16)


def test_gradients_of_the_energy_by_weights_and_biases_equal_jpc(golden):
    for steps in golden.steps:
        theirs = golden.parameters(f"g{{}}{{}}_T{steps}")
        largest = max((np.abs(g).max() for g in theirs if g is not None), default=0.0)
        for ours, stored in zip(golden.infer(steps).gradients, theirs, strict=True):
            if stored is not None:
                np.testing.assert_allclose(ours, stored, rtol=0, atol=1e-12 * largest)


def test_backpropagation_equals_jax(golden):
    result = backpropagate(golden.network, golden.weights, golden.x, golden.y)
    theirs = golden.parameters("bp{}{}")
    largest = max(np.abs(gradient).max() for gradient in theirs)
    np.testing.assert_allclose(result.energies[0, -1], golden.values["bp_loss"], rtol=1e-12)
    for ours, stored in zip(result.gradients, theirs, strict=True):
        np.testing.assert_allclose(ours, stored, rtol=0, atol=1e-12 * largest)


def test_a_linear_network_relaxes_to_the_stored_equilibrium(linear):
    result = linear.settled
    np.testing.assert_allclose(result.energies[-1].sum(), linear.values["F_star"], rtol=1e-12)
    np.testing.assert_allclose(result.energies[-1], linear.values["E_layers_star"], rtol=1e-11)
    for ours, theirs in zip(result.states[:-1], linear.by_layer("z{}_star"), strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)
    theirs = linear.by_layer("gW{}_star")
    largest = max(np.abs(gradient).max() for gradient in theirs)
    for ours, stored in zip(result.gradients, theirs, strict=True):
        np.testing.assert_allclose(ours, stored, rtol=0, atol=1e-12 * largest)


def test_the_equilibrium_energy_is_that_of_the_closed_form(linear):
    """F* = 1/(2B) sum r^T S^-1 r, S = I + sum_{l>=2} P_l P_l^T, P_l = M_L ... M_l."""
    m = linear.matrices
    size, product = linear.network.widths[-1], np.eye(linear.network.widths[-1])
    s = np.eye(size)
    for layer in range(linear.network.layers, 1, -1):
        product = product @ m[layer - 1]
        s += product @ product.T
    r = linear.y - linear.x @ (product @ m[0]).T
    expected = 0.5 * np.sum(r * np.linalg.solve(s, r.T).T) / len(r)
    np.testing.assert_allclose(linear.settled.energies[-1].sum(), expected, rtol=1e-12)


def test_the_equilibrium_states_solve_the_closed_form_system(linear):
    """z* = H^-1 b per sample, H block tridiagonal: I + M_{l+1}^T M_{l+1} beside -M_{l+1}^T."""
    w, widths = linear.matrices, linear.network.widths
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
    for ours, slot in zip(linear.settled.states[:-1], slots, strict=True):
        np.testing.assert_allclose(ours, z[slot].T, rtol=1e-11, atol=1e-13)


TRAINED = [
    "p06_relu_sp_pre_bias_d4",
    golden_name("p10_relu_mupc_res_784_jpcnb"),
    "p14_leaky_sp_post_bias_d4_pcxlike",
]


@pytest.mark.parametrize("name", TRAINED)
def test_weights_and_biases_after_several_adam_updates_equal_jpc(name):
    golden = Golden(name)
    settings = golden.extra["train"]
    batch = len(golden.x)
    learner = Learner(
        golden.network,
        golden.weights,
        Relaxing(Relaxation(settings["T"], settings["activity_lr"] / batch)),
        TrainingSetup(
            x=np.concatenate(golden.values["train_x"]),
            y=np.concatenate(golden.values["train_y"]),
            batch=batch,
            optimiser=OptimiserSettings(kind="adam", rate=settings["lr"]),
            updates_total=settings["K"],
        ),
    )
    learner.updates(np.arange(settings["K"] * batch).reshape(-1, batch), done=0)
    for ours, theirs in zip(learner.weights(), golden.parameters("train_{}{}"), strict=True):
        # Adam divides by the size of gradients that are but a few digits above their rounding.
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11 * np.abs(theirs).max())


@pytest.mark.parametrize(
    "name", [golden_name("p05_tanh_sp_pre_d3_784"), "p14_leaky_sp_post_bias_d4_pcxlike"]
)
def test_incremental_predictive_coding_equals_jpc(name):
    golden = Golden(name)
    settings, batch = golden.extra["ipc"], len(golden.x)
    learner = Learner(
        golden.network,
        golden.weights,
        Relaxing(Relaxation(settings["T"], settings["activity_lr"] / batch, variant="ipc")),
        TrainingSetup(
            x=golden.x,
            y=golden.y,
            batch=batch,
            optimiser=OptimiserSettings(kind="sgd", rate=settings["weight_lr"]),
            updates_total=1,
        ),
    )
    learner.updates(np.arange(batch)[None], done=0)
    for ours, theirs in zip(learner.weights(), golden.parameters("ipc_{}{}"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * np.abs(theirs).max())
    hidden = np.split(learner.relaxer.block.z, learner.shape.unit_at[2:-1] * batch)
    for ours, theirs in zip(hidden, golden.by_layer("ipc_z{}"), strict=False):
        if theirs is not None:
            np.testing.assert_allclose(ours.reshape(-1, batch).T, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["p02_linear_sp_d4_widths", "p11_tanh_mupc_res_d20"])
def test_error_optimisation_equals_jax(name):
    golden = Golden(name)
    settings = golden.extra["epc"]
    rate = settings["lr"] / len(golden.x)
    result = golden.infer(settings["T"], rate=rate, variant="epc")
    for ours, theirs in zip(result.errors[:-1], golden.by_layer("epc_e{}"), strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(result.energies[-1].sum(), golden.values["epc_F"], rtol=1e-12)


@pytest.mark.parametrize("name", ["p07_tanh_sp_post_bias_d3", "p14_leaky_sp_post_bias_d4_pcxlike"])
def test_gradients_of_nudged_inference_equal_pcxs(name):
    golden = Golden(name)
    settings = golden.extra["nudge"]
    for beta in settings["betas"]:
        result = golden.infer(settings["T"], beta=beta)
        word = f"{'p' if beta > 0 else 'n'}{abs(beta)}".replace(".", "_")
        theirs = golden.by_layer(f"nudge_{word}_gW{{}}")
        largest = max(np.abs(gradient).max() for gradient in theirs)
        for ours, stored in zip(result.gradients, theirs, strict=False):
            np.testing.assert_allclose(ours, stored, rtol=0, atol=1e-12 * largest)


@pytest.mark.parametrize("name", ["p06_relu_sp_pre_bias_d4", "p14_leaky_sp_post_bias_d4_pcxlike"])
def test_states_that_move_with_momentum_equal_optaxs(name):
    golden = Golden(name)
    settings = golden.extra["momentum"]
    result = golden.infer(settings["T"], descent="momentum", momentum=settings["mu"])
    for ours, theirs in zip(result.states[:-1], golden.by_layer("mom_z{}"), strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)
