"""What happens to each state on its own: phi, its derivative and the inference step, fused into one pass.

Arrays are flat and of one dtype. Constants are cast to it, because numba computes int with float32
in float64. tanh is the C library's in float64; in float32, where that would cost more than the
products, it is a rational function (the one in Eigen and XLA) within 6 units in the last place.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types
from numba.extending import overload

from pcsim.engine.kernels.jit import jit
from pcsim.engine.kernels.layout import RELU, TANH

_SATURATED = np.float32(7.90531110763549805)
_ODD = tuple(
    np.float32(c)
    for c in (
        4.89352455891786e-03,
        6.37261928875436e-04,
        1.48572235717979e-05,
        5.12229709037114e-08,
        -8.60467152213735e-11,
        2.00018790482477e-13,
        -2.76076847742355e-16,
    )
)
_EVEN = tuple(
    np.float32(c)
    for c in (
        4.89352518554385e-03,
        2.26843463243900e-03,
        1.18534705686654e-04,
        1.19825839466702e-06,
    )
)
_A1, _A3, _A5, _A7, _A9, _A11, _A13 = _ODD
_B0, _B2, _B4, _B6 = _EVEN


def tanh(x: float) -> float:
    """tanh of one number, by dtype; to be called from compiled code only."""
    raise NotImplementedError(f"tanh is compiled for float32 and float64, not {type(x)!r}")


@overload(tanh)
def _tanh_of(x):
    if x == types.float32:

        def rational(x):
            c = min(max(x, -_SATURATED), _SATURATED)
            s = c * c
            odd = c * (_A1 + s * (_A3 + s * (_A5 + s * (_A7 + s * (_A9 + s * (_A11 + s * _A13))))))
            return odd / (_B0 + s * (_B2 + s * (_B4 + s * _B6)))

        return rational
    return lambda x: math.tanh(x)


@jit
def activate(activation, z, a):
    """a = phi(z)."""
    if activation == TANH:
        for i in range(z.size):
            a[i] = tanh(z[i])
    elif activation == RELU:
        zero = z.dtype.type(0.0)
        for i in range(z.size):
            a[i] = zero if z[i] <= zero else z[i]  # so written, NaN stays NaN
    else:
        for i in range(z.size):
            a[i] = z[i]


@jit
def times_derivative(activation, pull, a, e):
    """e = pull * phi'(z), from a = phi(z)."""
    if activation == TANH:
        one = a.dtype.type(1.0)
        for i in range(a.size):
            e[i] = pull[i] * (one - a[i] * a[i])
    elif activation == RELU:
        zero = a.dtype.type(0.0)
        for i in range(a.size):
            e[i] = zero if a[i] <= zero else pull[i]
    else:
        for i in range(a.size):
            e[i] = pull[i]


@jit
def inference_step(activation, rate, pull, p, z, a, e):
    """z = z - rate (e - pull * phi'(z)), then a = phi(z) and e = z - p, all in one pass."""
    if activation == TANH:
        one = a.dtype.type(1.0)
        for i in range(a.size):
            moved = z[i] - rate * (e[i] - pull[i] * (one - a[i] * a[i]))
            z[i] = moved
            a[i] = tanh(moved)
            e[i] = moved - p[i]
    elif activation == RELU:
        zero = a.dtype.type(0.0)
        for i in range(a.size):
            moved = z[i] - rate * (e[i] - (zero if a[i] <= zero else pull[i]))
            z[i] = moved
            a[i] = zero if moved <= zero else moved
            e[i] = moved - p[i]
    else:
        for i in range(a.size):
            moved = z[i] - rate * (e[i] - pull[i])
            z[i] = moved
            a[i] = moved
            e[i] = moved - p[i]
