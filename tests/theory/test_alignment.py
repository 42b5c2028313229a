"""Credit: how far a signal reaches in T steps, how it fades, and when it points where BP's does."""

import numpy as np
import pytest

from pcsim.theory.alignment import alignment, credit_depth, light_cone, signal_decay
from pcsim.theory.energy import backpropagated, weight_gradients
from pcsim.theory.networks import draw_data, draw_network
from pcsim.theory.relaxation import ORDERS, relax


def case(layers, *, activation="tanh", parameterisation="sp", skips=False):
    widths = (6, *[8] * (layers - 1), 4)
    network = draw_network(
        widths, seed=5, parameterisation=parameterisation, skips=skips, activation=activation
    )
    return network, *draw_data(widths, 10, seed=5)


def gradients(network, x, y, *, order, step, steps):
    relaxed = relax(network, x, y, order=order, step=step, steps=steps)
    return weight_gradients(network, x, relaxed.states, relaxed.errors)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layers", [2, 3, 7, 8])
def test_credit_reaches_as_far_as_the_light_cone(order, layers):
    network, x, y = case(layers)
    for steps in range(layers + 2):
        found = gradients(network, x, y, order=order, step=0.2, steps=steps)
        reach = light_cone(order, layers=layers, steps=steps)
        assert credit_depth(found) == reach
        assert all(np.any(gradient) for gradient in found[layers - reach :])


def test_light_cones_have_closed_forms():
    for layers in range(2, 12):
        for steps in range(1, 14):
            reach = {order: light_cone(order, layers=layers, steps=steps) for order in ORDERS}
            assert reach == {
                "jacobi": min(layers, steps + 1),
                "gauss_seidel": layers,
                "red_black": min(layers, 2 * steps + (layers % 2 == 0)),
            }
    assert {light_cone(order, layers=9, steps=0) for order in ORDERS} == {1}


@pytest.mark.parametrize("activation", ["linear", "tanh", "relu"])
@pytest.mark.parametrize("parameterisation", ["sp", "mupc"])
def test_at_the_edge_of_the_light_cone_gradients_are_those_of_bp_times_eta_to_the_t(
    activation, parameterisation
):
    network, x, y = case(7, activation=activation, parameterisation=parameterisation, skips=True)
    _, reference = backpropagated(network, x, y)
    for steps in range(7):
        found = gradients(network, x, y, order="jacobi", step=0.3, steps=steps)
        edge = network.layers - 1 - steps
        np.testing.assert_allclose(
            found[edge],
            signal_decay(steps, steps, step=0.3) * reference[edge],
            rtol=1e-9,
            atol=1e-12 * np.abs(reference[edge]).max(),
        )


def departures(network, x, y, *, order, step, steps, expected):
    """How far norm ratios and cosines to BP are from ``expected[k]`` and 1, k > 0 layers below the output."""
    _, reference = backpropagated(network, x, y)
    found = alignment(gradients(network, x, y, order=order, step=step, steps=steps), reference)
    ratios, cosines = found.norm_ratios[::-1], found.cosines[::-1]
    return np.array(
        [[ratios[k] / value - 1, cosines[k] - 1] for k, value in enumerate(expected) if k]
    )


def test_gradients_fade_by_the_binomial_law_as_the_step_gets_small():
    """What departs from it is of first order in the step."""
    steps = 4
    large, small = (
        departures(
            *case(8),
            order="jacobi",
            step=step,
            steps=steps,
            expected=[signal_decay(steps, below, step=step) for below in range(steps + 1)],
        )
        for step in (1e-2, 1e-3)
    )
    assert np.abs(large).max() < 0.3
    assert np.abs(small).max() < 0.12 * np.abs(large).max()


def test_a_gauss_seidel_step_carries_eta_per_layer_and_the_direction_of_bp():
    """To first order in the step: C(1, k) would be 0 beyond the first layer, but all layers follow."""
    large, small = (
        departures(
            *case(5),
            order="gauss_seidel",
            step=step,
            steps=1,
            expected=[step**below for below in range(5)],
        )
        for step in (1e-2, 1e-3)
    )
    assert np.abs(large).max() < 0.3
    assert np.abs(small).max() < 0.12 * np.abs(large).max()


def test_alignment_of_equal_opposite_and_missing_gradients():
    a, b = np.array([[3.0, 4.0]]), np.array([[1.0, 0.0]])
    found = alignment((2 * a, -b, 0 * a, a), (a, b, a, 0 * b))
    np.testing.assert_allclose(found.cosines, (1.0, -1.0, 0.0, 0.0), rtol=1e-15)
    np.testing.assert_allclose(found.norm_ratios, (2.0, 1.0, 0.0, 0.0), rtol=1e-15)
    assert credit_depth((a, 0 * a, b)) == 2
