"""How a state follows its slope e - pull, over flat arrays: as ``kernels/relaxation.py``.

Where moments are rounded, ``gather`` and ``follow`` are the two halves of a step around that.
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.jit import jit


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


@jit
def gather(momentum: float, slope: np.ndarray, first: np.ndarray) -> None:
    """m = g + mu m."""
    keep = first.dtype.type(momentum)
    for i in range(first.size):
        first[i] = slope[i] + keep * first[i]


@jit
def gather_both(slope: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
    """Both moments of Adam."""
    real = first.dtype.type
    keep1, add1 = real(0.9), real(1.0 - 0.9)
    keep2, add2 = real(0.999), real(1.0 - 0.999)
    for i in range(first.size):
        g = slope[i]
        first[i] = keep1 * first[i] + add1 * g
        second[i] = keep2 * second[i] + add2 * (g * g)


@jit
def follow(rate: float, step: int, first: np.ndarray, second: np.ndarray, z: np.ndarray) -> None:
    """z after Adam's moments; ``step`` counts from 1 in each batch."""
    real = z.dtype.type
    size = real(rate)
    unbias1 = real(1.0 / (1.0 - 0.9**step))
    unbias2 = real(1.0 / (1.0 - 0.999**step))
    epsilon = real(1e-8)
    for i in range(z.size):
        z[i] -= size * (first[i] * unbias1) / (math.sqrt(second[i] * unbias2) + epsilon)
