"""Which network is trained: its layers, and the weights that a seed gives it.

Layers are counted from 1 to L; layer l has weights W_l of shape (out, in) and maps width l-1 to
width l. With the fixed scale a_l of its parameterisation, the prediction of a layer is

- placement pre: p_l = a_l (W_l phi(z_{l-1}) + b_l) + skip_l z_{l-1}, phi the identity on the input,
- placement post: p_l = phi(a_l (W_l z_{l-1} + b_l)), without phi in the last layer.

A feed-forward pass gives the same outputs in both. Left out: skips with placement post.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pcsim.engine.drawing import orthogonal

ActivationName = Literal["linear", "tanh", "relu", "leaky_relu", "gelu"]
ParameterisationName = Literal["sp", "mupc", "ntp"]
PlacementName = Literal["pre", "post"]
LossName = Literal["mse", "cross_entropy"]
DtypeName = Literal["float32", "float64"]

Weights = tuple[np.ndarray, ...]
"""W_1..W_L and, where the network has biases, b_1..b_L behind them."""


@dataclass(frozen=True)
class DenseNetwork:
    """A dense network.

    ``widths`` runs from the input to the output; ``dtype`` is the number format of everything
    computed. ``skips`` adds the state below to the prediction of the layers 2..L-1 whose two
    widths agree.
    """

    widths: tuple[int, ...]
    activation: ActivationName
    loss: LossName
    dtype: DtypeName = "float64"
    parameterisation: ParameterisationName = "sp"
    skips: bool = False
    placement: PlacementName = "pre"
    bias: bool = False
    orthogonal: bool = False

    @property
    def layers(self) -> int:
        """L, the number of weight layers."""
        return len(self.widths) - 1

    @property
    def scales(self) -> tuple[float, ...]:
        """a_1..a_L. sp: 1. mupc and ntp (arXiv 2505.13124) keep states and gradients of one size in any depth."""
        if self.parameterisation == "sp":
            return (1.0,) * self.layers
        depth = self.layers if self.skips else 1
        *below, last = self.widths[:-1]
        inner = [
            (fan_in * (depth if layer > 1 else 1)) ** -0.5 for layer, fan_in in enumerate(below, 1)
        ]
        return (*inner, 1 / last if self.parameterisation == "mupc" else last**-0.5)

    @property
    def skipped(self) -> tuple[bool, ...]:
        """Whether the state below is added to the prediction, for layers 1..L."""
        widths, last = self.widths, self.layers
        return tuple(
            self.skips and 1 < layer < last and widths[layer] == widths[layer - 1]
            for layer in range(1, last + 1)
        )


def initial_weights(network: DenseNetwork, seed: int) -> Weights:
    """Drawn in float64 whatever the dtype.

    sp: W_l and b_l from U(-1/sqrt(fan_in), 1/sqrt(fan_in)). mupc and ntp: W_l from N(0, 1), b_l = 0.
    ``orthogonal``: W_l with orthonormal rows or columns, b_l = 0.
    The learning rule is no argument: a seed gives every rule the same weights.
    """
    random = np.random.default_rng((seed, 0))
    pairs = list(zip(network.widths[1:], network.widths[:-1], strict=True))
    if network.orthogonal:
        drawn = [orthogonal(random, pair) for pair in pairs]
        if network.bias:
            drawn += [np.zeros(fan_out) for fan_out, _ in pairs]
    elif network.parameterisation == "sp":
        shapes: list[tuple[int, ...]] = list(pairs)
        if network.bias:
            shapes += [(fan_out,) for fan_out, _ in pairs]
        fan_ins = [fan_in for _, fan_in in pairs] * 2
        drawn = [
            random.uniform(-1.0, 1.0, shape) / np.sqrt(fan_in)
            for shape, fan_in in zip(shapes, fan_ins, strict=False)
        ]
    else:
        drawn = [random.standard_normal(shape) for shape in pairs]
        if network.bias:
            drawn += [np.zeros(fan_out) for fan_out, _ in pairs]
    return tuple(array.astype(network.dtype) for array in drawn)


def batch_rows(seed: int, samples: int, *, batch: int, epochs: int) -> np.ndarray:
    """Which samples form which batch: int64 (updates, batch), shuffled anew each epoch.

    The samples that do not fill a last batch are left out of that epoch. A seed gives every rule
    the same.
    """
    random = np.random.default_rng((seed, 1))
    per_epoch = samples // batch
    shuffled = [random.permutation(samples)[: per_epoch * batch] for _ in range(epochs)]
    return np.concatenate(shuffled).reshape(epochs * per_epoch, batch)
