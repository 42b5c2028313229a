"""What happens to each state on its own: phi, its derivative and the inference step, fused into one pass.

Arrays are flat and of one dtype. Constants are cast to it, because numba computes int with float32
in float64. tanh is the C library's in float64; in float32, where that would cost more than the
products, it is a rational function (the one in Eigen and XLA) within 6 units in the last place.
leaky_relu has slope 0.01 below 0, gelu is the form with tanh (both JAX's defaults).
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.jit import implementing, inner, jit, types
from pcsim.engine.kernels.arithmetic import (
    ACTIVITY,
    ERROR,
    STATE,
    STEEP_PULL,
    round_activity,
    round_error,
    round_state,
    round_steep,
)
from pcsim.engine.kernels.layout import GELU, LEAKY_RELU, RELU, TANH

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


@implementing(tanh)
def _tanh_of(x):
    if x == types.float32:

        def rational(x):
            c = min(max(x, -_SATURATED), _SATURATED)
            s = c * c
            odd = c * (_A1 + s * (_A3 + s * (_A5 + s * (_A7 + s * (_A9 + s * (_A11 + s * _A13))))))
            return odd / (_B0 + s * (_B2 + s * (_B4 + s * _B6)))

        return rational
    return lambda x: math.tanh(x)


_LEAK = 0.01
_GELU_INNER = math.sqrt(2.0 / math.pi)
_GELU_CUBIC = 0.044715


@inner
def gelu(z, a):
    """a = z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3)))."""
    real = z.dtype.type
    half, one = real(0.5), real(1.0)
    inner, cubic = real(_GELU_INNER), real(_GELU_CUBIC)
    for i in range(z.size):
        x = z[i]
        a[i] = half * x * (one + tanh(inner * (x + cubic * x * x * x)))


@inner
def times_gelu_derivative(pull, z, e):
    """e = pull * gelu'(z)."""
    real = z.dtype.type
    half, one = real(0.5), real(1.0)
    inner, cubic, slope = real(_GELU_INNER), real(_GELU_CUBIC), real(3.0 * _GELU_CUBIC)
    for i in range(z.size):
        x = z[i]
        t = tanh(inner * (x + cubic * x * x * x))
        e[i] = pull[i] * (
            half * (one + t) + half * x * (one - t * t) * inner * (one + slope * x * x)
        )


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
    elif activation == LEAKY_RELU:
        zero, leak = z.dtype.type(0.0), z.dtype.type(_LEAK)
        for i in range(z.size):
            a[i] = leak * z[i] if z[i] <= zero else z[i]
    elif activation == GELU:
        gelu(z, a)
    else:
        for i in range(z.size):
            a[i] = z[i]


@jit
def times_derivative(activation, pull, z, a, e):
    """e = pull * phi'(z), where a = phi(z)."""
    if activation == TANH:
        one = a.dtype.type(1.0)
        for i in range(a.size):
            e[i] = pull[i] * (one - a[i] * a[i])
    elif activation == RELU:
        zero = a.dtype.type(0.0)
        for i in range(a.size):
            e[i] = zero if a[i] <= zero else pull[i]
    elif activation == LEAKY_RELU:
        zero, leak = a.dtype.type(0.0), a.dtype.type(_LEAK)
        for i in range(a.size):
            e[i] = leak * pull[i] if a[i] <= zero else pull[i]
    elif activation == GELU:
        times_gelu_derivative(pull, z, e)
    else:
        for i in range(a.size):
            e[i] = pull[i]


@inner
def inference_step(activation, rate, pull, p, z, a, e, layer, columns, numerics):
    """z = z - rate (e - pull * phi'(z)), then a = phi(z) and e = z - p, all in one pass where that pays."""
    if numerics is not None:
        times_derivative(activation, pull, z, a, pull)
        round_steep(activation, pull, STEEP_PULL, layer, columns, numerics)
        for i in range(a.size):
            z[i] -= rate * (e[i] - pull[i])
        round_state(z, STATE, layer, columns, numerics)
        settle_activity(activation, p, z, a, e, layer, columns, numerics)
    elif activation == TANH:
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
    elif activation in (LEAKY_RELU, GELU):
        times_derivative(activation, pull, z, a, pull)
        for i in range(a.size):
            z[i] -= rate * (e[i] - pull[i])
            e[i] = z[i] - p[i]
        activate(activation, z, a)
    else:
        for i in range(a.size):
            moved = z[i] - rate * (e[i] - pull[i])
            z[i] = moved
            a[i] = moved
            e[i] = moved - p[i]


@inner
def settle_activity(activation, p, z, a, e, layer, columns, numerics):
    """a = phi(z) and e = z - p, rounded, after a step of z."""
    activate(activation, z, a)
    round_activity(activation, a, ACTIVITY, layer, columns, numerics)
    for i in range(a.size):
        e[i] = z[i] - p[i]
    round_error(e, ERROR, layer, columns, numerics)
