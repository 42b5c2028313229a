"""How is a number rounded to a narrower floating-point format?

As if exponents had no upper end; what then exceeds the largest number overflows. NaN stays NaN. The
quantum q is the place of the last digit, 2**(e - fraction) with e the number's own exponent, or that of the
smallest normal number where this is larger (subnormals). All steps are exact in float64.

Nearest: ties to the even neighbour, by adding and taking away a number whose own last place is q.
Stochastic: |x| / q = n + f goes up to n + 1 when floor(f 2**32) + r carries, r the 32 random bits
of the element: with probability floor(f 2**32) / 2**32, and never where f is 0.
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.bits import bits_of, float_of, with_sign
from pcsim.compiled.jit import inlined, inner
from pcsim.engine.numerics.random_bits import half_word

EXPONENT = 0x7FF0000000000000
_TO_NEAREST = 2.0**52
_RANDOM_BITS = 32
_ABSOLUTE, _INFINITE = np.uint32(0x7FFFFFFF), np.uint32(0x7F800000)
_16, _ONE = np.uint32(16), np.uint32(1)
_JUST_BELOW_HALF, _UPPER = np.uint32(0x7FFF), np.uint32(0xFFFF0000)


@inlined
def nearest(magnitude):
    """The whole number nearest to a float64 from 0 to 2**52, ties to even."""
    return (magnitude + _TO_NEAREST) - _TO_NEAREST


@inlined
def randomly(magnitude, bits):
    """A whole number next to a float64 from 0 to 2**30, above it where 32 random ``bits`` carry."""
    scaled = np.int64(magnitude * 2.0**_RANDOM_BITS)
    return np.float64((scaled + bits) >> _RANDOM_BITS)


@inlined
def power_below(magnitude, code):
    """The power of two at or below ``magnitude``, within the format's range."""
    capped = magnitude if magnitude < code.beyond else code.beyond
    power = float_of(bits_of(capped) & EXPONENT)
    return capped, power if power > code.low else code.low


@inlined
def finished(rounded, x, code):
    """The rounded magnitude with overflow, and the sign of x."""
    return with_sign(rounded if rounded <= code.largest else code.overflow, x)


@inner
def nearest_floats(values, code):
    """Round flat ``values`` in place, to nearest."""
    to_last_place = 2.0 ** (52 - code.fraction)
    for i in range(values.size):
        x = np.float64(values[i])
        magnitude, power = power_below(abs(x), code)
        shift = power * to_last_place
        rounded = finished((magnitude + shift) - shift, x, code)
        values[i] = rounded if not math.isnan(x) else x


@inner
def stochastic_floats(values, code, key, first):
    """Round flat ``values`` in place, at random."""
    places = 2.0**code.fraction
    for i in range(values.size):
        x = np.float64(values[i])
        magnitude, power = power_below(abs(x), code)
        inverse = float_of((np.int64(2046) << 52) - bits_of(power))
        count = randomly(magnitude * inverse * places, half_word(key, first + i))
        rounded = finished(count * (power / places), x, code)
        values[i] = rounded if not math.isnan(x) else x


@inner
def nearest_bf16(values):
    """Round flat float32 ``values`` in place to bf16, their upper half: one integer addition."""
    bits = values.view(np.uint32)
    for i in range(bits.size):
        x = bits[i]
        rounded = (x + _JUST_BELOW_HALF + ((x >> _16) & _ONE)) & _UPPER
        bits[i] = x if (x & _ABSOLUTE) > _INFINITE else rounded
