"""Which values does "1..64 x2" stand for? Whole or decimal numbers, with a unit behind them or without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from pcsim.units import DIMENSIONS

MOST_VALUES = 10_000
"""Of one range."""

_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][-+]?[0-9]{1,2})?"
_RANGE = re.compile(
    rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})(?:\s+([x+])\s*({_NUMBER}))?(?:\s+(\D.*?))?\s*"
)
_LIKE_A_RANGE = re.compile(r"\s*[0-9][^/]*\.\.")


class RangeError(ValueError):
    """A text looks like a range and is none: what it must be, and a hint."""

    def __init__(self, constraint: str, hint: str = "") -> None:
        super().__init__(constraint, hint)
        self.constraint = constraint
        self.hint = hint


def is_range(value: object) -> bool:
    """Whether a value of a sweep is meant as a range."""
    return isinstance(value, str) and _LIKE_A_RANGE.match(value) is not None


def range_values(text: str) -> list[object]:
    """The values of ``LOW..HIGH``, ``LOW..HIGH +STEP`` or ``LOW..HIGH xFACTOR``, up to HIGH.

    Arithmetic is decimal and exact. Values are ints or floats, or with a unit behind the range
    ("8..64 x2 KiB") texts such as "8 KiB". Without a step both ends must be whole and all whole
    numbers between are meant.

    Raises:
        RangeError: the text is no range, has no step where it needs one, or too many values.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise RangeError(
            "a range LOW..HIGH, LOW..HIGH +STEP or LOW..HIGH xFACTOR",
            hint="such as 1..5, 0.1..0.5 +0.1, 1..64 x2 or 8..64 x2 KiB",
        )
    low, high = Decimal(match[1]), Decimal(match[2])
    if low > high:
        raise RangeError("a range whose first number is not above its last")
    sign, unit = match[3], match[5]
    if sign is None and not _whole(low):
        raise RangeError("a range of whole numbers, or one that says its step", hint="such as +0.1")
    step = Decimal(match[4]) if sign else Decimal(1)
    if step <= (1 if sign == "x" else 0) or (sign == "x" and low == 0):
        raise RangeError("a range whose step leads on")
    values: list[object] = []
    value = low
    while value <= high:
        if len(values) == MOST_VALUES:
            raise RangeError(f"a range of at most {MOST_VALUES:,} values")
        values.append(_plain(value) if unit is None else f"{_plain(value)} {unit}")
        value = value * step if sign == "x" else value + step
    return values


_BARE_WITH_UNIT = re.compile(rf"\s*[-+]?{_NUMBER}\s*([^\d\s].*?)\s*")
_UNITS = {name for dimension in DIMENSIONS.values() for name in dimension.units}


def with_units(values: Sequence[object]) -> list[object]:
    """``values`` where a bare number takes the unit of the next value that has one: 256, "512 KiB" are both of KiB."""
    unit = ""
    found: list[object] = []
    for value in reversed(values):
        match = _BARE_WITH_UNIT.fullmatch(value) if isinstance(value, str) else None
        if match is not None and match[1] in _UNITS:
            unit = match[1]
        elif unit and isinstance(value, int | float) and not isinstance(value, bool):
            value = f"{value} {unit}"
        found.append(value)
    return found[::-1]


def _whole(number: Decimal) -> bool:
    return number == number.to_integral_value()


def _plain(number: Decimal) -> int | float:
    return int(number) if _whole(number) else float(number)
