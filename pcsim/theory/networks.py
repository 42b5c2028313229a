"""A small network on which theory is checked: weights, scales, skips, one activation; plain numpy.

The prediction of layer l = 1..L is p_l = a_l W_l phi(z_{l-1}) + skip_l z_{l-1}, phi being the identity on
the input. Left out: biases, any other loss than half the squared error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

Activation = Literal["linear", "tanh", "relu"]
Parameterisation = Literal["sp", "mupc", "ntp"]
Arrays = tuple[np.ndarray, ...]

_ACTIVATIONS: dict[
    str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]
] = {
    "linear": (lambda z: z, np.ones_like),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
}


@dataclass(frozen=True, eq=False)
class ReferenceNetwork:
    """``weights[l - 1]`` is W_l (out, in), ``scales[l - 1]`` its a_l, ``skips[l - 1]`` whether z_{l-1} is added.

    What it computes has the dtype of the weights and the data it is given.
    """

    weights: Arrays
    scales: tuple[float, ...]
    skips: tuple[bool, ...]
    activation: Activation = "linear"

    @property
    def layers(self) -> int:
        """L, the number of weight layers."""
        return len(self.weights)

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        """Widths of z_1..z_{L-1}."""
        return tuple(len(weights) for weights in self.weights[:-1])

    def phi(self, z: np.ndarray, *, below: int) -> np.ndarray:
        """What layer ``below`` + 1 reads of z_below: the identity on the input, layer 0."""
        return _ACTIVATIONS[self.activation][0](z) if below else z

    def slope(self, z: np.ndarray) -> np.ndarray:
        """phi'(z)."""
        return _ACTIVATIONS[self.activation][1](z)

    def astype(self, dtype: str) -> ReferenceNetwork:
        """The same network with its weights rounded to ``dtype``."""
        weights = tuple(matrix.astype(dtype) for matrix in self.weights)
        return ReferenceNetwork(weights, self.scales, self.skips, self.activation)


def draw_network(
    widths: Sequence[int],
    *,
    seed: int,
    parameterisation: Parameterisation = "sp",
    skips: bool = False,
    activation: Activation = "linear",
) -> ReferenceNetwork:
    """A network with random weights, float64; ``widths`` runs from the input to the output.

    sp: a_l = 1, W ~ U(+-1/sqrt(fan in)). mupc: W ~ N(0, 1), a_1 = 1/sqrt(D), a_l = 1/sqrt(N L) with skips
    and 1/sqrt(N) without, a_L = 1/N, N being the layer's fan in (Innocenti et al. 2025, table 1). ntp: as
    mupc with a_L = 1/sqrt(N). ``skips`` adds z_{l-1} to the layers 2..L-1.
    """
    random = np.random.default_rng(seed)
    layers = len(widths) - 1
    weights, scales = [], []
    for layer, (fan_in, fan_out) in enumerate(pairwise(widths), 1):
        if parameterisation == "sp":
            weights.append(random.uniform(-1.0, 1.0, (fan_out, fan_in)) / np.sqrt(fan_in))
            scales.append(1.0)
            continue
        weights.append(random.standard_normal((fan_out, fan_in)))
        if layer == layers and parameterisation == "mupc":
            scales.append(1 / fan_in)
        else:
            deep = layers if skips and 1 < layer < layers else 1
            scales.append(float(1 / np.sqrt(fan_in * deep)))
    skipping = tuple(skips and 1 < layer < layers for layer in range(1, layers + 1))
    return ReferenceNetwork(tuple(weights), tuple(scales), skipping, activation)


def draw_data(widths: Sequence[int], samples: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (samples, input) and targets (samples, output), independent and standard normal."""
    random = np.random.default_rng((seed, 1))
    return random.standard_normal((samples, widths[0])), random.standard_normal(
        (samples, widths[-1])
    )
