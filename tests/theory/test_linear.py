"""Closed forms of linear networks: golden numbers of jpc, and identities on random networks."""

import json
from pathlib import Path

import numpy as np
import pytest

from pcsim.theory import linear
from pcsim.theory.energy import (
    backpropagated,
    errors,
    feed_forward,
    layer_energies,
    loss,
    weight_gradients,
)
from pcsim.theory.networks import ReferenceNetwork, draw_data, draw_network
from pcsim.theory.relaxation import relax

GOLDEN = Path(__file__).parents[1] / "golden" / "pc"
NAMES = [
    "p01_linear_sp_d2",
    "p02_linear_sp_d4_widths",
    "p03_linear_mupc_res_d6",
    "p04_linear_mupc_noskip_d5",
]
RANDOM = [
    pytest.param(((7, 6, 3), "sp", False), id="one hidden layer"),
    pytest.param(((5, 4, 8, 3, 6), "sp", False), id="uneven widths"),
    pytest.param(((5, *[6] * 7, 4), "sp", True), id="sp with skips"),
    pytest.param(((5, *[6] * 9, 4), "mupc", True), id="mupc"),
    pytest.param(((5, *[6] * 4, 4), "mupc", False), id="mupc without skips"),
    pytest.param(((5, *[6] * 4, 4), "ntp", True), id="ntp"),
]


class Golden:
    def __init__(self, name):
        with np.load(GOLDEN / f"{name}.npz") as file:
            self.values = {key: file[key] for key in file.files}
        self.meta = json.loads(str(self.values["meta"]))
        scales, skips = self.meta["scalings"], self.meta["skips"]
        self.layers = self.meta["L"]
        self.network = ReferenceNetwork(self("W{}"), tuple(scales), tuple(skips))
        self.x, self.y = self.values["x"], self.values["y"]

    def __call__(self, key, *, hidden=False):
        return tuple(self.values[key.format(layer)] for layer in range(1, self.layers + 1 - hidden))


@pytest.fixture(params=NAMES)
def golden(request):
    return Golden(request.param)


@pytest.fixture(params=RANDOM)
def case(request):
    widths, parameterisation, skips = request.param
    network = draw_network(widths, seed=3, parameterisation=parameterisation, skips=skips)
    return network, *draw_data(widths, 9, seed=3)


def same(ours, theirs, *, rtol=1e-12):
    """Equal to ``rtol`` of the largest entry of all layers."""
    largest = max(np.abs(layer).max() for layer in theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * largest)


def test_scales_and_skips_of_a_drawn_network_are_those_of_jpc(golden):
    meta = golden.meta
    drawn = draw_network(
        meta["dims"], seed=0, parameterisation=meta["param_type"], skips=any(meta["skips"])
    )
    np.testing.assert_allclose(drawn.scales, meta["scalings"], rtol=1e-15)
    assert drawn.skips == tuple(meta["skips"])


def test_equilibrated_energy_and_its_metric_equal_jpc(golden):
    energy = linear.equilibrated_energy(golden.network, golden.x, golden.y)
    np.testing.assert_allclose(energy, golden.values["F_star"], rtol=1e-12)
    metric = linear.output_metric(golden.network)
    np.testing.assert_allclose(metric, golden.values["S"], rtol=1e-12, atol=1e-13)


def test_the_spectrum_of_the_activity_hessian_equals_jpc(golden):
    eigenvalues = linear.spectrum(golden.network)
    np.testing.assert_allclose(eigenvalues, np.sort(golden.values["H_eig"]), rtol=1e-12)
    condition = linear.condition_number(golden.network)
    np.testing.assert_allclose(condition, golden.values["H_cond"], rtol=1e-12)


def test_states_energies_and_gradients_at_equilibrium_equal_jpc(golden):
    states = linear.equilibrium(golden.network, golden.x, golden.y)
    same(states, golden("z{}_star", hidden=True))
    e = errors(golden.network, golden.x, golden.y, states)
    np.testing.assert_allclose(layer_energies(e), golden.values["E_layers_star"], rtol=1e-12)
    same(weight_gradients(golden.network, golden.x, states, e), golden("gW{}_star"))


@pytest.mark.parametrize("steps", [0, 1, 5, 20])
def test_jacobi_relaxation_equals_jpc(golden, steps):
    relaxed = relax(
        golden.network,
        golden.x,
        golden.y,
        order="jacobi",
        step=golden.meta["eta_per_sample"],
        steps=steps,
    )
    same(relaxed.states, golden(f"z{{}}_T{steps}", hidden=True))
    np.testing.assert_allclose(relaxed.energy, golden.values["F_traj"][steps], rtol=1e-12)


def test_backpropagation_equals_jax(golden):
    _, gradients = backpropagated(golden.network, golden.x, golden.y)
    same(gradients, golden("bpW{}"))
    value = loss(golden.network, golden.x, golden.y)
    np.testing.assert_allclose(value, golden.values["bp_loss"], rtol=1e-12)


def test_equilibrium_solves_the_linear_system_of_the_activity_hessian(case):
    network, x, y = case
    offset = linear.activity_offset(network, x, y)
    solved = np.linalg.solve(linear.activity_hessian(network), offset.T).T
    same(linear.equilibrium(network, x, y), linear.by_layer(network, solved))


def test_errors_of_the_equilibrium_are_those_of_its_states_and_its_energy_is_theirs(case):
    network, x, y = case
    e = errors(network, x, y, linear.equilibrium(network, x, y))
    same(linear.equilibrium_errors(network, x, y), e)
    energy = linear.equilibrated_energy(network, x, y)
    np.testing.assert_allclose(energy, layer_energies(e).sum(), rtol=1e-12)


def test_no_states_have_less_energy_than_the_equilibrium(case):
    network, x, y = case
    states, random = linear.equilibrium(network, x, y), np.random.default_rng(0)
    least = linear.equilibrated_energy(network, x, y)
    for size in (1e-3, 1e-1, 1.0):
        near = [z + size * random.standard_normal(z.shape) for z in states]
        assert layer_energies(errors(network, x, y, near)).sum() > least


def test_the_activity_hessian_is_the_second_derivative_of_the_energy(case):
    network, x, y = case
    hessian = linear.activity_hessian(network)
    states = [z[:1] for z in linear.equilibrium(network, x, y)]
    offset = np.random.default_rng(1).standard_normal((1, len(hessian)))
    moved = [z + d for z, d in zip(states, linear.by_layer(network, offset), strict=True)]
    energy, least = (
        layer_energies(errors(network, x[:1], y[:1], z)).sum() for z in (moved, states)
    )
    np.testing.assert_allclose(energy - least, 0.5 * (offset @ hessian @ offset.T)[0, 0])


def test_total_and_partial_derivatives_agree_at_equilibrium(case):
    """The envelope theorem; the left side comes from the closed form of F*, without states."""
    network, x, y = case
    states = linear.equilibrium(network, x, y)
    partial = weight_gradients(network, x, states, errors(network, x, y, states))
    same(linear.equilibrated_gradients(network, x, y), partial)


def test_the_gradient_of_the_equilibrated_energy_is_its_difference_quotient(case):
    network, x, y = case
    gradients = linear.equilibrated_gradients(network, x, y)
    size, random = 1e-5, np.random.default_rng(2)
    ways = [random.standard_normal(weights.shape) for weights in network.weights]

    def energy(sign):
        weights = tuple(w + sign * size * way for w, way in zip(network.weights, ways, strict=True))
        moved = ReferenceNetwork(weights, network.scales, network.skips)
        return linear.equilibrated_energy(moved, x, y)

    slope = sum(float(np.vdot(g, way)) for g, way in zip(gradients, ways, strict=True))
    np.testing.assert_allclose((energy(1) - energy(-1)) / (2 * size), slope, rtol=1e-6)


def test_inference_takes_the_trust_region_step_from_the_feed_forward_pass(case):
    network, x, y = case
    start, _ = feed_forward(network, x)
    taken = [z - before for z, before in zip(linear.equilibrium(network, x, y), start, strict=True)]
    same(linear.trust_region_step(network, x, y), taken)


def test_the_hessians_of_hidden_layers_and_output_add_up(case):
    network, _, _ = case
    m = linear.matrices(network)
    hessian = linear.activity_hessian(network)
    end = 0
    for layer, width in enumerate(network.hidden_widths, 1):
        block = hessian[end : end + width, end : end + width]
        np.testing.assert_allclose(block, np.eye(width) + m[layer].T @ m[layer], atol=1e-13)
        if layer < network.layers - 1:
            right = hessian[end : end + width, end + width : end + width + len(m[layer])]
            np.testing.assert_array_equal(right, -m[layer].T)
        end += width


def test_inference_converges_below_the_stability_limit_and_diverges_above(case):
    network, x, y = case
    limit = linear.stability_limit(network)
    start = loss(network, x, y)
    below = relax(network, x, y, order="jacobi", step=0.98 * limit, steps=200)
    above = relax(network, x, y, order="jacobi", step=1.1 * limit, steps=400)
    assert below.energy < start < above.energy


def test_condition_numbers_grow_with_depth_as_measured_elsewhere():
    """Width 32, 10 outputs; an independent measurement with another seed, hence the factor of 2."""
    elsewhere = {
        ("mupc", True): [28, 113, 431, 1.9e3, 5.6e3],
        ("sp", True): [24, 153, 1.2e3, 1.2e4, 2.9e5],
    }
    for (parameterisation, skips), values in elsewhere.items():
        for hidden, value in zip((2, 4, 8, 16, 32), values, strict=True):
            widths = [32] * (hidden + 1) + [10]
            network = draw_network(widths, seed=0, parameterisation=parameterisation, skips=skips)
            assert value / 2 < linear.condition_number(network) < 2 * value
    plain = [
        linear.condition_number(draw_network([32] * (hidden + 1) + [10], seed=0))
        for hidden in (2, 4, 8, 16, 32)
    ]
    assert 6 < plain[0] < plain[-1] < 50


def test_the_stability_limit_of_mupc_networks_hardly_depends_on_depth():
    for hidden in (2, 8, 32):
        network = draw_network(
            [32] * (hidden + 1) + [10], seed=0, parameterisation="mupc", skips=True
        )
        assert 0.37 < linear.stability_limit(network) < 0.47


def test_closed_forms_refuse_a_network_that_is_not_linear():
    network = draw_network((3, 3, 3), seed=0, activation="tanh")
    with pytest.raises(ValueError) as caught:
        linear.equilibrium(network, np.ones((1, 3)), np.ones((1, 3)))
    assert str(caught.value) == "activation must be linear, not 'tanh'"
