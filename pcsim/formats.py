"""Which numbers can a format hold, and what does storing one take?

A format is written as a word, with ``stochastic`` after it where it does not round to the nearest:

    fp64, fp32, bf16, fp16     IEEE 754 (bf16 alike), subnormals included; too large becomes infinite
    fp8_e4m3, fp8_e5m2         OCP 8-bit floating point; too large becomes the largest
    q4.12                      fixed point: 4 integer bits, the sign among them, and 12 fraction bits
    int8, int8_pow2            integers times one scale per tensor: max |x| / 127, or a power of two
    bfp8/16                    block floating point: blocks of 16 values of 8 bits, the sign among
                               them, share an 8-bit exponent

Left out: unsigned, asymmetric and per-channel integers, and encodings (only values are emulated).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from pcsim.errors import ConstraintError

Kind = Literal["float", "fixed", "integer", "block"]
Scale = Literal["none", "largest", "power of two"]
Rounding = Literal["nearest", "stochastic"]

SHARED_EXPONENT_BITS = 8
MIN_SHARED_EXPONENT, MAX_SHARED_EXPONENT = -126, 127
STOCHASTIC = "stochastic"
_SCALE_BITS = {"none": 0, "largest": 32, "power of two": 8}
_DIGITS = {"float32": 24, "float64": 53}
_EXPONENTS = {"float32": (-126, 127), "float64": (-1022, 1023)}


class FormatError(ConstraintError):
    """A text is not the format it should be."""


@dataclass(frozen=True)
class Format:
    """A set of numbers and the way into it.

    ``name`` is the word without the rounding. ``bits`` are one value's own, shared exponent and scale
    left out. ``digits`` are the binary digits of the magnitude, a float's hidden one included. Floats
    have normal numbers from 2**min_exponent, and exponents up to max_exponent; blocks share one of
    that range. ``saturates`` says whether what is too large becomes the largest or infinite.
    """

    name: str
    kind: Kind
    bits: int
    digits: int
    rounding: Rounding = "nearest"
    min_exponent: int = 0
    max_exponent: int = 0
    missing: int = 0
    """How many of the largest significands are no numbers (fp8_e4m3 gives one to NaN)."""
    saturates: bool = True
    fraction_bits: int = 0
    block: int = 1
    scale: Scale = "none"

    def __str__(self) -> str:
        return self.name if self.rounding == "nearest" else f"{self.name} {STOCHASTIC}"

    @property
    def largest(self) -> float:
        """The largest finite number; of integers, in units of their scale."""
        return math.ldexp(
            (1 << self.digits) - 1 - self.missing, self._last_place(self.max_exponent)
        )

    @property
    def lowest(self) -> float:
        """The most negative finite number: fixed point has one more than above zero, all others as many."""
        if self.kind == "fixed":
            return -math.ldexp(1, self.digits - self.fraction_bits)
        return -self.largest

    @property
    def smallest(self) -> float:
        """The smallest number above zero; of integers, in units of their scale."""
        return math.ldexp(1, self._last_place(self.min_exponent))

    @property
    def epsilon(self) -> float:
        """From 1 to the next number above it.

        For integers the step relative to the largest of the tensor, for blocks relative to the power
        of two that the block's largest reaches.
        """
        if self.kind == "integer":
            return 1 / self.largest
        return self.smallest if self.kind == "fixed" else math.ldexp(1, 1 - self.digits)

    @property
    def bits_per_value(self) -> float:
        """Storage of one of many values, a block's exponent shared out; a tensor's scale is not counted."""
        return self.bits + (SHARED_EXPONENT_BITS / self.block if self.kind == "block" else 0.0)

    def storage_bits(self, values: int) -> int:
        """Storage of a tensor of ``values`` numbers, with the exponents of its blocks and its scale."""
        blocks = -(-values // self.block) if self.kind == "block" else 0
        return values * self.bits + blocks * SHARED_EXPONENT_BITS + _SCALE_BITS[self.scale]

    def storage_bytes(self, values: int) -> int:
        """Whole bytes of a packed tensor of ``values`` numbers; none where there are no numbers."""
        return -(-self.storage_bits(values) // 8) if values else 0

    def fits(self, dtype: str) -> bool:
        """Whether every number of the format is one of ``dtype`` too.

        An integer times a scale that is no power of two is rounded to the carrier; it fits if its
        integers do.
        """
        low, high = _EXPONENTS[dtype]
        if self.kind == "integer":
            return self.digits <= _DIGITS[dtype]
        top = self.digits - self.fraction_bits - 1 if self.kind == "fixed" else self.max_exponent
        smallest = low - _DIGITS[dtype] + 1  # the exponent of the carrier's last subnormal place
        return (
            self.digits <= _DIGITS[dtype]
            and top <= high
            and self._last_place(self.min_exponent) >= smallest
        )

    @property
    def carrier(self) -> Literal["float32", "float64"]:
        """The narrowest dtype that holds all its numbers."""
        return "float32" if self.fits("float32") else "float64"

    def _last_place(self, exponent: int) -> int:
        """The power of two that the last binary digit stands for, where the first stands for 2**exponent."""
        if self.kind == "fixed":
            return -self.fraction_bits
        return 0 if self.kind == "integer" else exponent - self.digits + 1


INT32 = Format("int32", "integer", 32, 31)
"""The accumulator of integer products: no scale of its own, so nothing is stored in it."""

_FLOATS = {
    made.name: made
    for made in (
        Format("fp64", "float", 64, 53, min_exponent=-1022, max_exponent=1023, saturates=False),
        Format("fp32", "float", 32, 24, min_exponent=-126, max_exponent=127, saturates=False),
        Format("bf16", "float", 16, 8, min_exponent=-126, max_exponent=127, saturates=False),
        Format("fp16", "float", 16, 11, min_exponent=-14, max_exponent=15, saturates=False),
        Format("fp8_e4m3", "float", 8, 4, min_exponent=-6, max_exponent=8, missing=1),
        Format("fp8_e5m2", "float", 8, 3, min_exponent=-14, max_exponent=15),
    )
}
_FIXED = re.compile(r"q([0-9]{1,2})\.([0-9]{1,2})")
_INTEGER = re.compile(r"int([0-9]{1,2})(_pow2)?")
_BLOCK = re.compile(r"bfp([0-9]{1,2})/([0-9]{1,4})")
_EXAMPLES = (*_FLOATS, "q4.12", "int8", "int8_pow2", "bfp8/16")
_EXPECTED = "a number format such as 'bf16', 'fp8_e4m3', 'q4.12', 'int8' or 'bfp8/16'"


def parse_format(text: object) -> Format:
    """The format that ``text`` names.

    Raises:
        FormatError: it names none, or one outside the limits.
    """
    if not isinstance(text, str) or len(text) > 64:
        raise FormatError(_EXPECTED, text)
    word, _, rounding = text.strip().partition(" ")
    rounding = rounding.strip()
    if rounding not in ("", STOCHASTIC):
        near = get_close_matches(rounding, [STOCHASTIC], n=1)
        hint = f"did you mean '{word} {STOCHASTIC}'?" if near else ""
        raise FormatError(f"a number format, or one followed by '{STOCHASTIC}'", text, hint)
    how: Rounding = "stochastic" if rounding else "nearest"
    if (made := _FLOATS.get(word)) is not None:
        return replace(made, rounding=how)
    if found := _FIXED.fullmatch(word):
        return _fixed(int(found[1]), int(found[2]), text, how)
    if found := _INTEGER.fullmatch(word):
        return _integer(int(found[1]), bool(found[2]), text, how)
    if found := _BLOCK.fullmatch(word):
        return _block(int(found[1]), int(found[2]), text, how)
    near = get_close_matches(word, _EXAMPLES, n=1)
    raise FormatError(_EXPECTED, text, f"did you mean {near[0]!r}?" if near else "")


def _fixed(whole: int, fraction: int, text: str, rounding: Rounding) -> Format:
    if whole < 1 or not 2 <= whole + fraction <= 32:
        raise FormatError(
            "fixed point of 2 to 32 bits, at least one of them (the sign) before the point", text
        )
    bits = whole + fraction
    name = f"q{whole}.{fraction}"
    return Format(name, "fixed", bits, bits - 1, rounding, fraction_bits=fraction)


def _integer(bits: int, power: bool, text: str, rounding: Rounding) -> Format:
    if not 2 <= bits <= 16:
        raise FormatError("an integer format of 2 to 16 bits", text)
    name = f"int{bits}_pow2" if power else f"int{bits}"
    scale: Scale = "power of two" if power else "largest"
    return Format(name, "integer", bits, bits - 1, rounding, scale=scale)


def _block(bits: int, block: int, text: str, rounding: Rounding) -> Format:
    if not 2 <= bits <= 16 or not 2 <= block <= 1024:
        raise FormatError(
            "block floating point of 2 to 16 bits a value and blocks of 2 to 1024 values", text
        )
    name = f"bfp{bits}/{block}"
    low, high = MIN_SHARED_EXPONENT, MAX_SHARED_EXPONENT
    return Format(
        name, "block", bits, bits - 1, rounding, min_exponent=low, max_exponent=high, block=block
    )


def exact_terms(first: Format, second: Format, *, accumulator_bits: int) -> int:
    """How many products of two integers or fixed-point numbers a signed accumulator surely adds up without overflow.

    For sums in a floating-point carrier ``accumulator_bits`` is its digits plus one: 25 for float32, 54 for
    float64; up to so many terms they are exact in every order.
    """
    most = _magnitude(first) * _magnitude(second)
    return ((1 << (accumulator_bits - 1)) - 1) // most


def _magnitude(number: Format) -> int:
    if number.kind not in ("fixed", "integer"):
        raise ValueError(f"exact_terms is of integers and fixed point, not {number.name}")
    return (1 << number.digits) - (number.kind == "integer")
