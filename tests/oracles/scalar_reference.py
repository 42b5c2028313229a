"""Rounding one number at a time, by search and exact fractions: slow, and unlike what it checks.

A floating-point format is the list of what its bit patterns mean; a number's neighbours are found in
that list by bisection, and even is the pattern that ends in 0.
"""

import math
from bisect import bisect_right
from fractions import Fraction
from functools import cache

CARRY = 2**32
# name: (exponent bits, bias, mantissa bits, largest number, what is too large becomes infinite)
FLOATS = {
    "bf16": (8, 127, 7, Fraction(2**8 - 1, 2**7) * 2**127, True),
    "fp16": (5, 15, 10, Fraction(65504), True),
    "fp8_e4m3": (4, 7, 3, Fraction(448), False),
    "fp8_e5m2": (5, 15, 2, Fraction(57344), False),
}


def decode(name, pattern):
    """What a bit pattern without its sign means, the highest exponent taken as an ordinary one."""
    _, bias, mantissa, _, _ = FLOATS[name]
    exponent, fraction = divmod(pattern, 2**mantissa)
    if exponent == 0:
        return Fraction(fraction, 2**mantissa) * Fraction(2) ** (1 - bias)
    return (1 + Fraction(fraction, 2**mantissa)) * Fraction(2) ** (exponent - bias)


@cache
def numbers(name):
    """All magnitudes in order, and one binade beyond the largest finite one."""
    exponent_bits, _, mantissa, _, _ = FLOATS[name]
    return [decode(name, pattern) for pattern in range(2 ** (exponent_bits + mantissa) + 1)]


def rounded_whole(value, bits):
    """The whole number for a Fraction >= 0: nearest, ties to even, or by 32 random bits."""
    if bits is None:
        return round(value)
    whole = math.floor(value)
    return whole + (math.floor((value - whole) * CARRY) + bits >= CARRY)


def to_float(name, x, bits=None):
    """x in the format ``name``; ``bits`` are None for nearest, or 32 random bits."""
    if math.isnan(x):
        return x
    largest, overflows = FLOATS[name][3:]
    too_large = math.inf if overflows else float(largest)
    table = numbers(name)
    if math.isinf(x) or abs(Fraction(x)) >= table[-1]:
        return math.copysign(too_large, x)
    magnitude = abs(Fraction(x))
    below = bisect_right(table, magnitude) - 1
    low, high = table[below], table[below + 1]
    place = (magnitude - low) / (high - low)
    if bits is None:
        up = place > Fraction(1, 2) or (place == Fraction(1, 2) and below % 2 == 1)
    else:
        up = rounded_whole(place, bits) == 1
    found = high if up else low
    return math.copysign(too_large if found > largest else float(found), x)


def to_grid(x, quantum, lowest, highest, bits=None):
    """x as a whole number of quanta within bounds; the quotient is x times the float64 reciprocal."""
    if math.isnan(x):
        return x
    if math.isinf(x):
        return (highest if x > 0 else lowest) * quantum
    quanta = Fraction(min(abs(x) * (1.0 / quantum), 2.0**40))
    whole = rounded_whole(quanta, bits)
    return min(max(whole if x > 0 else -whole, lowest), highest) * quantum


def block_quantum(values, value_bits):
    """The last place that the largest of a block leaves to all."""
    finite = [abs(v) for v in values if math.isfinite(v)]
    exponent = max(math.frexp(max(finite, default=0.0))[1] - 1, -126)
    if max(finite, default=0.0) == 0:
        exponent = -126
    return math.ldexp(1.0, min(exponent, 127) - (value_bits - 2))


def narrow_product(a, b, round_sum, chunk, dtype):
    """a b by the order that the kernel states, with numpy scalars of ``dtype``."""
    rows, inner, columns = len(a), len(b), len(b[0])
    chunks = -(-inner // chunk)
    result = []
    for i in range(rows):
        for j in range(columns):
            total = dtype(0)
            for c in range(chunks):
                partial = dtype(0)
                for k in range(c * chunk, min((c + 1) * chunk, inner)):
                    partial = partial + a[i][k] * b[k][j]
                total = dtype(round_sum(float(total + partial), (i * chunks + c) * columns + j))
            result.append(total)
    return result
