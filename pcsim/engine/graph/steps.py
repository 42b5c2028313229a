"""How a state follows its slope e - pull, over flat arrays: as ``kernels/relaxation.py``, without number formats."""

from __future__ import annotations

import math

import numpy as np

from pcsim.engine.kernels.jit import jit


@jit
def descend(rate: float, e: np.ndarray, pull: np.ndarray, z: np.ndarray) -> None:
    """z -= rate (e - pull)."""
    size = z.dtype.type(rate)
    for i in range(z.size):
        z[i] -= size * (e[i] - pull[i])


@jit
def descend_alone(rate: float, e: np.ndarray, z: np.ndarray) -> None:
    """z -= rate e, where nothing pulls."""
    size = z.dtype.type(rate)
    for i in range(z.size):
        z[i] -= size * e[i]


@jit
def roll(
    rate: float, momentum: float, e: np.ndarray, pull: np.ndarray, first: np.ndarray, z: np.ndarray
) -> None:
    """m = g + mu m, z -= rate m."""
    size, keep = z.dtype.type(rate), z.dtype.type(momentum)
    for i in range(z.size):
        first[i] = (e[i] - pull[i]) + keep * first[i]
        z[i] -= size * first[i]


@jit
def adapt(
    rate: float,
    step: int,
    e: np.ndarray,
    pull: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    z: np.ndarray,
) -> None:
    """Adam (arXiv 1412.6980); ``step`` counts from 1 in each batch."""
    real = z.dtype.type
    size = real(rate)
    keep1, add1 = real(0.9), real(1.0 - 0.9)
    keep2, add2 = real(0.999), real(1.0 - 0.999)
    unbias1 = real(1.0 / (1.0 - 0.9**step))
    unbias2 = real(1.0 / (1.0 - 0.999**step))
    epsilon = real(1e-8)
    for i in range(z.size):
        g = e[i] - pull[i]
        first[i] = keep1 * first[i] + add1 * g
        second[i] = keep2 * second[i] + add2 * (g * g)
        z[i] -= size * (first[i] * unbias1) / (math.sqrt(second[i] * unbias2) + epsilon)
