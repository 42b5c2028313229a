"""Random numbers that do not depend on who draws first: each is a function of where it is used.

A stream belongs to (seed, tensor, update); element i takes its i-th word, which is the (i + 1)-th
output of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) started at the stream's key. Threads, block
sizes and the order of the work change nothing. Left out: all streams lie on one cycle of 2**64 words,
at random places, so that among very many two may overlap; nothing here compares streams.
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.jit import inlined, jit

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FACTOR_1 = np.uint64(0xBF58476D1CE4E5B9)
_FACTOR_2 = np.uint64(0x94D049BB133111EB)
_27, _30, _31, _32 = (np.uint64(shift) for shift in (27, 30, 31, 32))
_LOW = np.uint64(0xFFFFFFFF)
_UNIT = 2.0**-32


@inlined
def _mixed(z):
    """SplitMix64's output function, a bijection of 64 bits."""
    z = (z ^ (z >> _30)) * _FACTOR_1
    z = (z ^ (z >> _27)) * _FACTOR_2
    return z ^ (z >> _31)


@inlined
def word(key, index):
    """64 random bits, the stream's at ``index`` (from 0)."""
    return _mixed(np.uint64(key) + _STEP * np.uint64(index + 1))


@inlined
def half_word(key, index):
    """32 random bits as a whole number: the upper half of ``word``."""
    return np.int64(word(key, index) >> _32)


@jit
def stream(seed, tensor, update):
    """The key of one tensor's random numbers in one update; whole numbers, any of them."""
    key = word(np.uint64(seed), 0)
    key = word(key ^ np.uint64(tensor), 0)
    return word(key ^ np.uint64(update), 0)


def stream_key(seed: int, tensor: int, update: int) -> np.uint64:
    """``stream`` for callers in Python, to whom numba gives an int that it would not take back."""
    return np.uint64(stream(seed, tensor, update))


@jit
def fill_words(key, first, out):
    """out = the words from index ``first`` on; ``out`` is uint64."""
    for i in range(out.size):
        out[i] = word(key, first + i)


@jit
def add_normals(values, deviation, key, first):
    """Add to each of the flat ``values`` a normal number of mean 0, standard deviation ``deviation``.

    Element i takes one of the two normals that the word at (first + i) // 2 gives by Box and Muller's
    method: at most 6.7 deviations out. The last bits are those of the C library's log, cos and sin.
    """
    if deviation == 0.0:
        return
    end = first + values.size
    for pair in range(first >> 1, (end + 1) >> 1):
        bits = word(key, pair)
        radius = deviation * math.sqrt(-2.0 * math.log((np.float64(bits >> _32) + 1.0) * _UNIT))
        angle = 2.0 * math.pi * (np.float64(bits & _LOW) * _UNIT)
        if 2 * pair >= first:
            values[2 * pair - first] += radius * math.cos(angle)
        if 2 * pair + 1 < end:
            values[2 * pair + 1 - first] += radius * math.sin(angle)
