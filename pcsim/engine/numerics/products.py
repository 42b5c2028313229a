"""What does a multiplier array with a narrow accumulator, or one of integers, compute?

Orders are fixed, so that results have one value: products are taken for k = 0, 1, 2, ...
"""

from __future__ import annotations

import numpy as np

from pcsim.compiled.jit import jit
from pcsim.engine.numerics.floats import randomly
from pcsim.engine.numerics.quantise import quantise
from pcsim.engine.numerics.random_bits import half_word

_RANDOM_BITS = 32
_NEIGHBOURS = np.int64(1)  # not Python's int, for which numba would compile once more


@jit
def narrow_product(a, b, out, accumulator, key, chunk):
    """out = a b, (m, k) by (k, n), with a running sum that is rounded after every ``chunk`` products.

    For each chunk of k in turn: its products are added up one after the other from 0, product and sum each rounded
    to the dtype of the arrays (the wide tree inside a unit); that is added to the running sum, which begins
    at 0, and the sum is rounded to ``accumulator``. ``chunk`` 1 is an accumulator that is narrow everywhere.
    The running sum of out[i, j] after chunk c takes the random bits of index (i chunks + c) n + j.
    """
    rows, inner = a.shape
    columns = b.shape[1]
    chunks = (inner + chunk - 1) // chunk
    partial = np.empty(columns, out.dtype)
    for i in range(rows):
        total = out[i]
        total[:] = 0
        for c in range(chunks):
            partial[:] = 0
            for k in range(c * chunk, min((c + 1) * chunk, inner)):
                x = a[i, k]
                row = b[k]
                for j in range(columns):
                    partial[j] += x * row[j]
            for j in range(columns):
                total[j] += partial[j]
            quantise(total, accumulator, key, (i * chunks + c) * columns, _NEIGHBOURS)


@jit
def integer_product(a, b, out):
    """out = a b of integer arrays, exact where the accumulator, the dtype of ``out``, is wide enough.

    ``formats.exact_terms`` says up to how many products it surely is; beyond, sums wrap.
    """
    for i in range(a.shape[0]):
        total = out[i]
        total[:] = 0
        for k in range(a.shape[1]):
            x = np.int64(a[i, k])
            row = b[k]
            for j in range(row.size):
                total[j] += x * row[j]


@jit
def requantise(sums, out, multiplier, shift, lowest, highest):
    """out = sums multiplier / 2**shift, rounded to nearest even and limited; all integers, flat.

    For fixed point the multiplier is 1 and the shift the fraction bits that are dropped; for scaled integers
    they approximate scale_a scale_b / scale_out. Exact where |sums multiplier| < 2**62, 0 <= shift <= 62.
    """
    half = (np.int64(1) << shift) >> 1
    for i in range(sums.size):
        exact = np.int64(sums[i]) * np.int64(multiplier)
        count = exact >> shift
        rest = exact - (count << shift)
        up = rest > half or (rest == half and shift > 0 and (count & 1) == 1)
        count += np.int64(up)
        out[i] = min(max(count, np.int64(lowest)), np.int64(highest))


@jit
def requantise_randomly(sums, out, multiplier, shift, lowest, highest, key, first):
    """As ``requantise``, rounded at random by magnitude as in ``floats``."""
    scale = 2.0**-shift
    for i in range(sums.size):
        exact = np.int64(sums[i]) * np.int64(multiplier)
        magnitude = abs(exact)
        whole = magnitude >> shift
        rest = magnitude - (
            whole << shift
        )  # below 2**shift: rest / 2**shift may need more than 53 digits
        kept = rest >> max(shift - _RANDOM_BITS, 0)
        part = np.float64(kept) * (scale if shift <= _RANDOM_BITS else 2.0**-_RANDOM_BITS)
        count = whole + np.int64(randomly(part, half_word(key, first + i)))
        count = count if exact >= 0 else -count
        out[i] = min(max(count, np.int64(lowest)), np.int64(highest))
