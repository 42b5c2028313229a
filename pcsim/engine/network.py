"""Which network is trained: its layers, and the weights that a seed gives it.

Layers are counted from 1 to L; layer l has weights W_l of shape (out, in) and maps width l-1 to
width l. The prediction of a layer is p_l = W_l phi(z_{l-1}), phi being the identity on the input.
Left out: biases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

ActivationName = Literal["linear", "tanh", "relu"]
LossName = Literal["mse", "cross_entropy"]
DtypeName = Literal["float32", "float64"]
Weights = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Network:
    """A dense network.

    ``widths`` runs from the input to the output; ``dtype`` is the number format of everything
    computed.
    """

    widths: tuple[int, ...]
    activation: ActivationName
    loss: LossName
    dtype: DtypeName = "float64"

    @property
    def layers(self) -> int:
        """L, the number of weight layers."""
        return len(self.widths) - 1


def initial_weights(network: Network, seed: int) -> Weights:
    """W_l ~ U(-1/sqrt(fan_in), 1/sqrt(fan_in)), drawn in float64 whatever the dtype.

    The learning rule is no argument: a seed gives every rule the same weights.
    """
    random = np.random.default_rng((seed, 0))
    pairs = zip(network.widths[1:], network.widths[:-1], strict=True)
    return tuple(
        (random.uniform(-1.0, 1.0, (fan_out, fan_in)) / np.sqrt(fan_in)).astype(network.dtype)
        for fan_out, fan_in in pairs
    )


def batch_rows(seed: int, samples: int, *, batch: int, epochs: int) -> np.ndarray:
    """Which samples form which batch: int64 (updates, batch), shuffled anew each epoch.

    The samples that do not fill a last batch are left out of that epoch. A seed gives every rule
    the same.
    """
    random = np.random.default_rng((seed, 1))
    per_epoch = samples // batch
    shuffled = [random.permutation(samples)[: per_epoch * batch] for _ in range(epochs)]
    return np.concatenate(shuffled).reshape(epochs * per_epoch, batch)
