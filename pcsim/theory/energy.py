"""What is the energy at given states, and how does it change with states and weights?

F = 1/B sum over samples of [ sum_{l<L} 1/2 |z_l - p_l|^2 + 1/2 |y - p_L|^2 ]. States are tuples
z_1..z_{L-1} of arrays (samples, width); errors e_l = z_l - p_l, e_L = y - p_L, run to L.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pcsim.theory.networks import Arrays, ReferenceNetwork


def prediction(network: ReferenceNetwork, below: np.ndarray, *, layer: int) -> np.ndarray:
    """p_layer from ``below`` = z_{layer-1}."""
    read = network.phi(below, below=layer - 1)
    predicted = network.scales[layer - 1] * (read @ network.weights[layer - 1].T)
    return predicted + below if network.skips[layer - 1] else predicted


def feed_forward(network: ReferenceNetwork, x: np.ndarray) -> tuple[Arrays, np.ndarray]:
    """z_1..z_{L-1} with z_l = p_l, and the output."""
    passed = [x]
    for layer in range(1, network.layers + 1):
        passed.append(prediction(network, passed[-1], layer=layer))
    return tuple(passed[1:-1]), passed[-1]


def errors(
    network: ReferenceNetwork, x: np.ndarray, y: np.ndarray, states: Sequence[np.ndarray]
) -> Arrays:
    """e_1..e_L."""
    return tuple(
        above - prediction(network, below, layer=layer)
        for layer, (below, above) in enumerate(
            zip([x, *states], [*states, y], strict=True), start=1
        )
    )


def layer_energies(e: Sequence[np.ndarray]) -> np.ndarray:
    """Each layer's share of F, (L,), from the errors."""
    return np.array([0.5 * float(np.vdot(error, error)) / len(error) for error in e])


def pulled_back(
    network: ReferenceNetwork, error: np.ndarray, below: np.ndarray, *, layer: int
) -> np.ndarray:
    """(dp_layer/dz_{layer-1})^T e_layer, with ``below`` = z_{layer-1} and ``layer`` > 1."""
    scale = network.scales[layer - 1]
    pulled = scale * (error @ network.weights[layer - 1]) * network.slope(below)
    return pulled + error if network.skips[layer - 1] else pulled


def weight_gradients(
    network: ReferenceNetwork, x: np.ndarray, states: Sequence[np.ndarray], e: Sequence[np.ndarray]
) -> Arrays:
    """dF/dW_1..dF/dW_L at ``states`` with their errors ``e``: -(a_l/B) e_l phi(z_{l-1})^T."""
    return tuple(
        -network.scales[layer - 1] / len(x) * (error.T @ network.phi(below, below=layer - 1))
        for layer, (below, error) in enumerate(zip([x, *states], e, strict=True), start=1)
    )


def backpropagated(
    network: ReferenceNetwork, x: np.ndarray, y: np.ndarray
) -> tuple[Arrays, Arrays]:
    """Backpropagation's errors (minus the loss's derivative by p_l, per sample) and weight gradients."""
    states, output = feed_forward(network, x)
    deltas = [y - output]
    for layer in range(network.layers, 1, -1):
        deltas.insert(0, pulled_back(network, deltas[0], states[layer - 2], layer=layer))
    return tuple(deltas), weight_gradients(network, x, states, deltas)


def loss(network: ReferenceNetwork, x: np.ndarray, y: np.ndarray) -> float:
    """Half the squared error of the feed-forward pass, a mean over samples."""
    difference = y - feed_forward(network, x)[1]
    return 0.5 * float(np.vdot(difference, difference)) / len(x)
