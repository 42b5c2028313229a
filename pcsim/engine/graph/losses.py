"""What is wrong at the output, and how much, for arrays (rows, units): as ``kernels/losses.py``, batch first."""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.jit import jit


@jit
def target_error(cross_entropy: bool, y: np.ndarray, p: np.ndarray, e: np.ndarray) -> None:
    """e = y - p, or y - softmax(p): minus the loss's derivative by p."""
    rows, units = p.shape
    for r in range(rows):
        out, wanted, error = p[r], y[r], e[r]
        if cross_entropy:
            top = out[0]
            for j in range(units):
                top = max(top, out[j])
            total = p.dtype.type(0)
            for j in range(units):
                error[j] = np.exp(out[j] - top)
                total += error[j]
            for j in range(units):
                error[j] = wanted[j] - error[j] / total
        else:
            for j in range(units):
                error[j] = wanted[j] - out[j]


@jit
def target_energy(cross_entropy: bool, y: np.ndarray, p: np.ndarray) -> float:
    """1/2 sum (y - p)^2, or -sum y log_softmax(p), in float64."""
    rows, units = p.shape
    energy = 0.0
    for r in range(rows):
        if cross_entropy:
            top = float(p[r, 0])
            for j in range(units):
                top = max(top, float(p[r, j]))
            total = 0.0
            for j in range(units):
                total += math.exp(float(p[r, j]) - top)
            normaliser = top + math.log(total)
            for j in range(units):
                energy -= float(y[r, j]) * (float(p[r, j]) - normaliser)
        else:
            for j in range(units):
                energy += 0.5 * float(y[r, j] - p[r, j]) ** 2
    return energy
