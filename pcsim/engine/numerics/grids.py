"""How is a number rounded to a whole number of quanta: fixed point, integers with a scale, shared exponents?

x becomes n q, n the whole number next to x / q, computed as x times the reciprocal of q in float64 (exact
where q is a power of two) and limited to what the bits hold. NaN stays NaN, so that a diverged training
is seen; infinities are limited like all else, and do not count towards a scale. There is no -0.
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.bits import bits_of, float_of, with_sign
from pcsim.compiled.jit import inlined, inner, jit
from pcsim.engine.numerics.floats import EXPONENT, nearest, randomly
from pcsim.engine.numerics.random_bits import half_word

_FURTHEST = 2.0**40  # more quanta than any grid has
_LARGEST_SCALED = 2.0**127  # so that the largest integer times its scale is a float32
_SMALLEST_SCALE = 2.0**-126


@inlined
def _limited(count, quantum, x, lowest, highest):
    count = with_sign(count, x)
    count = count if count < highest else highest
    count = count if count > lowest else lowest
    return count * quantum + 0.0 if not math.isnan(x) else x


@inlined
def _to_nearest(x, quantum, inverse, lowest, highest):
    quanta = abs(x) * inverse
    count = nearest(quanta if quanta < _FURTHEST else _FURTHEST)
    return _limited(count, quantum, x, lowest, highest)


@inlined
def _at_random(x, quantum, inverse, lowest, highest, bits):
    quanta = abs(x) * inverse
    count = randomly(quanta if quanta < -lowest else -lowest, bits)  # -lowest >= highest
    return _limited(count, quantum, x, lowest, highest)


@jit
def to_grid(values, quantum, lowest, highest):
    """Round flat ``values`` in place to whole quanta between ``lowest`` and ``highest``, to nearest."""
    inverse = 1.0 / quantum
    for i in range(values.size):
        values[i] = _to_nearest(np.float64(values[i]), quantum, inverse, lowest, highest)


@inner
def to_grid_randomly(values, quantum, lowest, highest, key, first):
    """As ``to_grid``, at random; value i is the tensor's element first + i."""
    inverse = 1.0 / quantum
    for i in range(values.size):
        x, bits = np.float64(values[i]), half_word(key, first + i)
        values[i] = _at_random(x, quantum, inverse, lowest, highest, bits)


@inlined
def _finite_bits(x):
    """The bits of a float64's magnitude, which are ordered as magnitudes are; 0 of what is not finite."""
    bits = bits_of(abs(x))
    return bits if bits < EXPONENT else np.int64(0)


@inner
def largest_of(values):
    """The largest finite magnitude of flat ``values``, 0 if there is none."""
    top = np.int64(0)
    for i in range(values.size):
        top = max(top, _finite_bits(np.float64(values[i])))
    return float_of(top)


@jit
def scale_for(values, code):
    """The one scale of a tensor of integers: a float32, or the least power of two that reaches the largest value."""
    top = min(largest_of(values), _LARGEST_SCALED)
    scale = np.float64(np.float32(top / code.highest))
    if code.power:
        scale = float_of(bits_of(scale) & EXPONENT)
        if scale * code.highest < top:
            scale *= 2.0
    return max(scale, _SMALLEST_SCALE)


@inlined
def _block_quantum(top, code):
    """The last place of a block whose largest value has the bits ``top``: its exponent is shared."""
    power = float_of(top & EXPONENT)
    power = power if power > code.low else code.low
    highest = code.beyond * 0.5
    return (power if power < highest else highest) * 2.0**-code.fraction


@inlined
def _inverse(power):
    """1 / power of a power of two, without the division."""
    return float_of((np.int64(2046) << 52) - bits_of(power))


@inner
def block_quanta(values, code, stride, quanta):
    """Fill ``quanta`` with the last place that each of flat ``values`` has in its block.

    Blocks are of ``code.block`` values, ``stride`` apart.
    """
    tops = np.empty(stride, np.int64)
    for begin in range(0, values.size, stride * code.block):
        end = min(begin + stride * code.block, values.size)
        if stride == 1:
            top = np.int64(0)
            for i in range(begin, end):
                top = max(top, _finite_bits(np.float64(values[i])))
            quantum = _block_quantum(top, code)
            for i in range(begin, end):
                quanta[i] = quantum
        else:
            tops[:] = 0
            for row in range(begin, end, stride):
                of_row = values[row : row + stride]
                for lane in range(of_row.size):
                    bits = _finite_bits(np.float64(of_row[lane]))
                    tops[lane] = bits if bits > tops[lane] else tops[lane]
            for row in range(begin, end, stride):
                here = quanta[row : row + stride]
                for lane in range(here.size):
                    here[lane] = _block_quantum(tops[lane], code)


@inner
def to_blocks(values, code, key, first, stride):
    """Round flat ``values`` in place to blocks with shared exponents, in lanes ``stride`` apart."""
    quanta = np.empty(values.size, np.float64)
    block_quanta(values, code, stride, quanta)
    lowest, highest = code.lowest, code.highest
    if code.stochastic:
        for i in range(values.size):
            x, bits = np.float64(values[i]), half_word(key, first + i)
            values[i] = _at_random(x, quanta[i], _inverse(quanta[i]), lowest, highest, bits)
    else:
        for i in range(values.size):
            x = np.float64(values[i])
            values[i] = _to_nearest(x, quanta[i], _inverse(quanta[i]), lowest, highest)
