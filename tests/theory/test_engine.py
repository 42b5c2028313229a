"""The engine's kernels equal theory's plain dynamics: every order, with and without the wavefront."""

import numpy as np
import pytest

from pcsim.engine import DenseNetwork, infer, initial_weights
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.rules import Relaxing
from pcsim.theory.alignment import light_cone
from pcsim.theory.energy import weight_gradients
from pcsim.theory.networks import ReferenceNetwork, draw_data
from pcsim.theory.relaxation import ORDERS, relax

STEPS, STEP = 4, 0.3


@pytest.mark.parametrize("wavefront", [False, True])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layers", [5, 6])
@pytest.mark.parametrize("activation", ["linear", "tanh", "relu"])
@pytest.mark.parametrize(
    ("parameterisation", "skips"), [("sp", False), ("sp", True), ("mupc", True), ("ntp", False)]
)
def test_kernels_relax_as_theory_does(
    parameterisation, skips, activation, layers, order, wavefront
):
    widths = (7, *[8] * (layers - 1), 4)
    network = DenseNetwork(
        widths, activation, "mse", "float64", parameterisation=parameterisation, skips=skips
    )
    weights = initial_weights(network, 3)
    reference = ReferenceNetwork(weights, network.scales, network.skipped, activation)
    x, y = draw_data(widths, 9, seed=1)
    relaxation = Relaxation(steps=STEPS, rate=STEP, order=order, wavefront=wavefront)
    found = infer(network, weights, x, y, relaxation=relaxation)
    expected = relax(reference, x, y, order=order, step=STEP, steps=STEPS)
    for ours, theirs in zip(found.states, expected.states, strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.energies[-1], expected.energies, rtol=1e-10, atol=1e-14)
    gradients = weight_gradients(reference, x, expected.states, expected.errors)
    largest = max(np.abs(gradient).max() for gradient in gradients)
    for ours, theirs in zip(found.gradients, gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * largest)
    if wavefront:
        reach = light_cone(order, layers=layers, steps=STEPS)
        assert found.credited_layers == tuple(range(layers - reach + 1, layers + 1))
        assert Relaxing(relaxation).on_chains.reach(layers) == reach
