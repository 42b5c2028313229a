"""What is wrong at the output, and how much: squared error or cross-entropy over the softmax.

Both losses sum over units. Energies are summed over the samples here and divided by the batch by
the caller; the sums run in float64 whatever the dtype.
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.jit import inner, jit
from pcsim.engine.kernels.layout import CROSS_ENTROPY


@inner
def output_error(loss, y, p, e):
    """e = y - p, or y - softmax(p): minus the loss's derivative by p. All (units, samples)."""
    units, samples = p.shape
    if loss == CROSS_ENTROPY:
        for j in range(samples):
            top = p[0, j]
            for i in range(1, units):
                top = max(top, p[i, j])
            total = p.dtype.type(0.0)
            for i in range(units):
                e[i, j] = np.exp(p[i, j] - top)
                total += e[i, j]
            for i in range(units):
                e[i, j] = y[i, j] - e[i, j] / total
    else:
        for i in range(units):
            for j in range(samples):
                e[i, j] = y[i, j] - p[i, j]


@jit
def output_energy(loss, y, p):
    """1/2 sum (y - p)^2, or -sum y log_softmax(p)."""
    units, samples = p.shape
    energy = 0.0
    if loss == CROSS_ENTROPY:
        for j in range(samples):
            top = float(p[0, j])
            for i in range(1, units):
                top = max(top, float(p[i, j]))
            total = 0.0
            for i in range(units):
                total += math.exp(float(p[i, j]) - top)
            normaliser = top + math.log(total)
            for i in range(units):
                energy -= float(y[i, j]) * (float(p[i, j]) - normaliser)
    else:
        for i in range(units):
            for j in range(samples):
                energy += 0.5 * float(y[i, j] - p[i, j]) ** 2
    return energy


@jit
def half_square(e):
    """1/2 sum e^2 of a flat array."""
    total = 0.0
    for i in range(e.size):
        total += float(e[i]) * float(e[i])
    return 0.5 * total
