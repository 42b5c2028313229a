"""What one batch computes: against a plain reference, finite differences and the wavefront's light cone."""

from dataclasses import replace

import numpy as np
import pytest

from pcsim.config import OptimiserSettings
from pcsim.engine import DenseNetwork, backpropagate, initial_weights
from pcsim.engine import infer as engine_infer
from pcsim.engine.kernels.activations import activate
from pcsim.engine.kernels.layout import RELU, TANH, block_columns
from pcsim.engine.learner import Learner
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.rules import Relaxing
from pcsim.engine.setup import TrainingSetup
from tests.oracles import reference_pc as reference

DEEP = DenseNetwork((7, 9, 6, 8, 5, 6, 4), "tanh", "mse", "float64")
RATE = 0.2


def infer(network, weights, x, y, *, beta=None, **settings):
    return engine_infer(network, weights, x, y, relaxation=Relaxation(**settings), beta=beta)


def batch_for(network, *, samples=11, seed=5):
    """Random inputs and one-hot targets."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((samples, network.widths[0]))
    return x, np.eye(network.widths[-1])[random.integers(0, network.widths[-1], samples)]


KINDS = {
    "plain": {},
    "bias": {"bias": True},
    "skips": {"skips": True},
    "skips with bias, mupc": {"skips": True, "bias": True, "parameterisation": "mupc"},
    "skips, ntp": {"skips": True, "parameterisation": "ntp"},
    "post": {"placement": "post"},
    "post with bias": {"placement": "post", "bias": True},
}


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("activation", ["linear", "tanh", "relu", "leaky_relu", "gelu"])
@pytest.mark.parametrize("kind", KINDS)
def test_both_rules_equal_the_plain_reference(kind, activation, loss):
    for widths in ((7, 9, 9, 6, 6, 4), (6, 5, 3), (6, 3)):
        network = DenseNetwork(widths, activation, loss, "float64", **KINDS[kind])
        weights, (x, y) = initial_weights(network, 1), batch_for(network)
        result = infer(network, weights, x, y, steps=9, rate=RATE)
        z = reference.relax(network, weights, x, y, steps=9, rate=RATE)
        digits = (
            1e-9 if activation == "gelu" else 1e-12
        )  # the reference's slope of gelu is no better
        assert_close_in_all([*result.states[:-1], x], [*z, x], digits=digits)
        shares = reference.energies(network, weights, x, y, z)
        np.testing.assert_allclose(result.energies[-1], shares, rtol=digits * 10, atol=1e-16)
        errors = reference.errors(network, weights, x, y, z)
        assert_close_in_all(result.errors, errors, digits=digits)
        gradients = reference.gradients(network, weights, x, y, z)
        assert_close_in_all(result.gradients, gradients, digits=digits)
        backward = backpropagate(network, weights, x, y)
        gradients = reference.back_gradients(network, weights, x, y)
        assert_close_in_all(backward.gradients, gradients, digits=digits)


def assert_close_in_all(ours, theirs, *, digits=1e-12):
    largest = max(np.abs(array).max() for array in theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=digits * largest)


def test_a_batch_cut_into_blocks_equals_the_plain_reference():
    network = DenseNetwork((5, 200, 180, 3), "tanh", "mse", "float64")
    assert block_columns(network, 40) == 16  # blocks of 16, 16 and 8
    weights, (x, y) = initial_weights(network, 1), batch_for(network, samples=40)
    result = infer(network, weights, x, y, steps=6, rate=RATE)
    z = reference.relax(network, weights, x, y, steps=6, rate=RATE)
    assert_close_in_all(result.states[:-1], z)
    assert_close_in_all(result.gradients, reference.gradients(network, weights, x, y, z))
    shares = reference.energies(network, weights, x, y, z)
    np.testing.assert_allclose(result.energies[-1], shares, rtol=1e-11)


@pytest.mark.parametrize(
    ("widths", "samples", "columns"),
    [
        ((784, 128, 128, 128, 10), 64, 32),  # 2 x 32 x 128 x 128 multiply-adds: each half is small
        ((784, 128, 128, 128, 10), 100, 48),
        ((784, 512, 512, 10), 64, 64),  # even 16 columns are a large product: do not cut
        ((784, 10), 64, 64),
        ((784, 32, 32, 10), 64, 64),
    ],
)
def test_blocks_are_as_wide_as_keeps_products_small(widths, samples, columns):
    assert block_columns(DenseNetwork(widths, "relu", "mse"), samples) == columns


def test_at_the_feed_forward_state_only_the_output_layer_learns_and_as_backpropagation():
    weights, (x, y) = initial_weights(DEEP, 2), batch_for(DEEP)
    start = infer(DEEP, weights, x, y, steps=0, rate=RATE)
    backward = backpropagate(DEEP, weights, x, y)
    np.testing.assert_allclose(start.energies[0].sum(), backward.energies[0, -1], rtol=1e-14)
    np.testing.assert_allclose(start.gradients[-1], backward.gradients[-1], rtol=0, atol=1e-16)
    for gradient in start.gradients[:-1]:
        assert not gradient.any()
    assert start.credited_layers == (DEEP.layers,)
    assert backward.credited_layers == tuple(range(1, DEEP.layers + 1))


@pytest.mark.parametrize("wavefront", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_error_climbs_one_layer_a_step(dtype, wavefront):
    network = replace(DEEP, dtype=dtype)
    weights, (x, y) = initial_weights(network, 2), batch_for(network)
    start = infer(network, weights, x, y, steps=0, rate=RATE)
    for steps in range(network.layers + 2):
        result = infer(network, weights, x, y, steps=steps, rate=RATE, wavefront=wavefront)
        reached = max(1, network.layers - steps)
        for layer in range(1, network.layers):
            index = layer - 1
            idle = layer < reached
            assert idle == (not result.errors[index].any())
            assert idle == np.array_equal(result.states[index], start.states[index])
            assert idle == (result.active_errors[-1, index] == 0)
            assert idle == (layer not in result.credited_layers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ["linear", "tanh", "relu", "leaky_relu", "gelu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_skipping_idle_layers_changes_no_bit(dtype, activation, kind):
    network = DenseNetwork((7, 9, 9, 8, 8, 6, 4), activation, "mse", dtype, **KINDS[kind])
    weights, (x, y) = initial_weights(network, 3), batch_for(network, samples=33)
    for steps in (1, 3, 8):
        skipped = infer(network, weights, x, y, steps=steps, rate=RATE, wavefront=True)
        full = infer(network, weights, x, y, steps=steps, rate=RATE, wavefront=False)
        np.testing.assert_array_equal(skipped.energies, full.energies)
        for field in ("states", "errors", "gradients"):
            for a, b in zip(getattr(skipped, field), getattr(full, field), strict=True):
                np.testing.assert_array_equal(a, b)


def test_an_error_that_dies_on_its_way_is_not_followed_and_no_bit_changes():
    """Steps below what float32 resolves move nothing, so that the layers below rest for good."""
    network = DenseNetwork(
        (7, *(9,) * 24, 4), "relu", "mse", "float32", parameterisation="mupc", skips=True
    )
    weights, (x, y) = initial_weights(network, 3), batch_for(network, samples=33)
    skipped, full = (
        infer(network, weights, x, y, steps=30, rate=1e-3, wavefront=wavefront)
        for wavefront in (True, False)
    )
    reached = [bool(errors.any()) for errors in full.errors]
    assert not any(reached[:12])  # 30 steps are enough to reach all layers
    assert all(reached[-3:])
    for field in ("states", "errors", "gradients"):
        for a, b in zip(getattr(skipped, field), getattr(full, field), strict=True):
            np.testing.assert_array_equal(a, b)
    trained = []
    for wavefront in (True, False):
        learner = Learner(
            network,
            weights,
            Relaxing(Relaxation(30, 1e-3, wavefront)),
            TrainingSetup(
                x=x.astype(network.dtype),
                y=y.astype(network.dtype),
                batch=len(x),
                optimiser=OptimiserSettings(kind="adam", rate=0.01),
                updates_total=3,
            ),
        )
        learner.updates(np.tile(np.arange(len(x)), (3, 1)), done=0)
        trained.append(learner.weights())
    for a, b in zip(*trained, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_weight_gradients_are_the_energys_finite_differences(loss):
    network = replace(DEEP, loss=loss)
    weights, (x, y) = initial_weights(network, 4), batch_for(network)
    result = infer(network, weights, x, y, steps=8, rate=RATE)
    z = list(result.states[:-1])

    def energy(perturbed):
        return reference.energies(network, perturbed, x, y, z).sum()

    assert_finite_differences(energy, weights, result.gradients)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_backpropagated_gradients_are_the_losss_finite_differences(loss):
    network = replace(DEEP, loss=loss)
    weights, (x, y) = initial_weights(network, 4), batch_for(network)

    def value(perturbed):
        return backpropagate(network, perturbed, x, y).energies[0, -1]

    assert_finite_differences(value, weights, backpropagate(network, weights, x, y).gradients)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_an_inference_step_descends_the_energys_finite_differences(loss):
    network = replace(DEEP, loss=loss)
    weights, (x, y) = initial_weights(network, 4), batch_for(network)
    before, after = (
        infer(network, weights, x, y, steps=steps, rate=RATE).states[:-1] for steps in (7, 8)
    )
    slopes = [len(x) * (b - a) / -RATE for a, b in zip(before, after, strict=True)]

    def energy(states):
        return len(x) ** 2 * reference.energies(network, weights, x, y, states).sum()

    assert_finite_differences(energy, before, slopes)


def assert_finite_differences(function, at, slopes, *, step=1e-5):
    """The slope of ``function`` along one random direction in each array of ``at``."""
    random = np.random.default_rng(0)
    for index, slope in enumerate(slopes):
        direction = random.standard_normal(slope.shape)
        ahead, behind = (
            [a + sign * step * direction if i == index else a for i, a in enumerate(at)]
            for sign in (1, -1)
        )
        measured = (function(ahead) - function(behind)) / (2 * step)
        np.testing.assert_allclose(measured, np.sum(slope * direction), rtol=1e-6, atol=1e-9)


def test_active_counts_are_those_of_the_values_that_products_read():
    network = DenseNetwork((7, 9, 6, 4), "relu", "mse", "float64")
    weights, (x, y) = initial_weights(network, 1), batch_for(network)
    result = infer(network, weights, x, y, steps=2, rate=RATE)
    z = reference.relax(network, weights, x, y, steps=2, rate=RATE)
    expected = [np.count_nonzero(state > 0) for state in z] + [len(x) * 4]
    assert result.active_states[-1].tolist() == expected
    assert result.active_errors[0].tolist() == [0, 0, len(x) * 4]
    hidden, _ = reference.feed_forward(network, weights, x)
    backward = backpropagate(network, weights, x, y)
    active = [np.count_nonzero(state > 0) for state in hidden] + [len(x) * 4]
    assert backward.active_states.tolist() == [active]
    assert backward.active_errors.tolist() == [active]


def test_float32_tanh_is_within_six_units_in_the_last_place():
    z = np.linspace(-12, 12, 400_001).astype(np.float32)
    a = np.empty_like(z)
    activate(TANH, z, a)
    exact = np.tanh(z.astype(np.float64))
    unit = np.spacing(np.maximum(np.abs(exact), 1e-30).astype(np.float32)).astype(np.float64)
    assert np.max(np.abs(a - exact) / unit) < 6


@pytest.mark.parametrize("activation", [TANH, RELU])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_pass_nan_on(dtype, activation):
    z, a = np.array([np.nan, 1.0], dtype), np.empty(2, dtype)
    activate(activation, z, a)
    assert np.isnan(a).tolist() == [True, False]
