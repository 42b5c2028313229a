"""What does a crossbar of analog cells make of weights and sums? Pure functions of arrays and a seed.

The kernels call the compiled parts, with the same keys.

Deviations are standard deviations in the unit of the weights (a share of full scale times full scale). Noise is
normal and independent from cell to cell. Zero deviation changes no bit. Left out: drift, stuck cells,
resistance of the wires, steps of unequal size, and correlation between neighbours.
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.jit import jit
from pcsim.engine.numerics.grids import largest_of, to_grid
from pcsim.engine.numerics.random_bits import add_normals, stream_key

WRITE, MISMATCH, READ = 0, 1, 2


def written(
    weights: np.ndarray, *, deviation: float, seed: int, update: int, layer: int = 0
) -> np.ndarray:
    """What the cells hold after ``update`` wrote ``weights`` into all of them: off by a new error each time."""
    return _noisy(weights, deviation, stream_key(seed_of(seed, WRITE), layer, update))


def seen_transposed(
    weights: np.ndarray, *, deviation: float, seed: int, layer: int = 0
) -> np.ndarray:
    """The weights (not transposed) as reads through W^T see them: each off by an error that never changes."""
    return _noisy(weights, deviation, stream_key(seed_of(seed, MISMATCH), layer, 0))


def read(
    sums: np.ndarray,
    inputs: np.ndarray,
    *,
    deviation: float,
    seed: int,
    reading: int,
    layer: int = 0,
) -> np.ndarray:
    """``sums`` (outputs, samples) = W ``inputs`` (inputs, samples), as cells with noise would give them.

    Every cell is off anew for every sample, by ``deviation``. Over the inputs of one output that
    adds up to a normal error of deviation x |inputs of the sample|, which is drawn directly.
    ``reading`` counts the reads.
    """
    result = np.array(sums, order="C")
    key = stream_key(seed_of(seed, READ), layer, reading)
    add_read_noise(result, np.ascontiguousarray(inputs), deviation, key)
    return result


@jit
def add_read_noise(sums, inputs, deviation, key):
    """Add to (outputs, samples) sums what ``read`` says, in place."""
    if deviation == 0.0:
        return
    norms = np.zeros(sums.shape[1], np.float64)
    for k in range(inputs.shape[0]):
        for j in range(norms.size):
            norms[j] += np.float64(inputs[k, j]) ** 2
    noise = np.zeros(sums.size, np.float64)
    add_normals(noise, deviation, key, np.int64(0))
    for i in range(sums.shape[0]):
        for j in range(norms.size):
            sums[i, j] += noise[i * norms.size + j] * math.sqrt(norms[j])


def converted(values: np.ndarray, *, bits: int, full_scale: float) -> np.ndarray:
    """``values`` after a converter (ADC or DAC) of ``bits``, which clips beyond +-``full_scale``.

    2**bits - 1 equal steps, symmetric, one of them at 0; nearest, ties to even. Its step is
    full_scale / (2**(bits - 1) - 1), rounded to float64.

    Raises:
        ValueError: fewer than 2 or more than 24 bits, or no positive full scale.
    """
    if not 2 <= bits <= 24:
        raise ValueError(f"bits must be a whole number between 2 and 24, not {bits!r}")
    if not 0 < full_scale < np.inf:
        raise ValueError(f"full_scale must be a number above 0, not {full_scale!r}")
    highest = float(2 ** (bits - 1) - 1)
    result = np.array(values, order="C")
    to_grid(result.reshape(-1), full_scale / highest, -highest, highest)
    return result


@jit
def convert_sums(sums, bits):
    """``converted`` in place, its full scale the largest of the flat ``sums``."""
    largest = largest_of(sums)
    if largest > 0.0:
        highest = 2.0 ** (bits - 1) - 1.0
        to_grid(sums, largest / highest, -highest, highest)


def _noisy(weights: np.ndarray, deviation: float, key: np.uint64) -> np.ndarray:
    result = np.array(weights, order="C")
    add_normals(result.reshape(-1), deviation, key, 0)
    return result


def seed_of(seed: int, use: int) -> int:
    """Seeds of the three kinds of error, apart from one another and from those of rounding."""
    return ~(3 * seed + use)
