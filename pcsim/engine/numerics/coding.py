"""What do kernels know of a format? Plain numbers, so that one compilation serves all formats."""

from __future__ import annotations

from typing import NamedTuple

from pcsim.formats import Format

EXACT, FLOAT, FIXED, INTEGER, BLOCK = 0, 1, 2, 3, 4
_KINDS = {"float": FLOAT, "fixed": FIXED, "integer": INTEGER, "block": BLOCK}


class Code(NamedTuple):
    """A format, as kernels read it."""

    kind: int
    stochastic: bool
    fraction: int  # binary digits after the first
    low: float  # the smallest normal number; of blocks, the smallest shared power of two
    beyond: float  # the power of two above all numbers
    largest: float
    overflow: float  # what is larger than the largest becomes this
    quantum: float  # of fixed point
    lowest: float  # in quanta, of all but floats
    highest: float
    power: bool  # whether a tensor's scale is a power of two
    block: int  # values that share an exponent


def code_of(number: Format, dtype: str) -> Code:
    """``number`` for arrays of ``dtype``, float32 or float64.

    Raises:
        ValueError: ``dtype`` cannot hold all its numbers.
    """
    if not number.fits(dtype):
        raise ValueError(f"{number.name} needs {number.carrier} arrays, not {dtype}")
    names_dtype = number.name == {"float32": "fp32", "float64": "fp64"}[dtype]
    highest = float(2**number.digits - 1)
    return Code(
        kind=EXACT if names_dtype else _KINDS[number.kind],
        stochastic=number.rounding == "stochastic",
        fraction=number.digits - 1,
        low=2.0**number.min_exponent,
        beyond=2.0 ** min(number.max_exponent + 1, 1023),
        largest=number.largest,
        overflow=number.largest if number.saturates else float("inf"),
        quantum=number.smallest,
        lowest=-highest - 1.0 if number.kind == "fixed" else -highest,
        highest=highest,
        power=number.scale == "power of two",
        block=number.block,
    )
