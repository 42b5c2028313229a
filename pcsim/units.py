"""What does "64 KiB" mean, and how is 1.24e-6 J shown?

Text becomes exact numbers (rationals, whole where the thing counted is indivisible); a number may be
written as a fraction, as in "1/3 GHz". Numbers become text either exactly (``exact_quantity``, for
files) or shortly (``format_quantity``, for people).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isfinite

from pcsim.errors import ConstraintError


class QuantityError(ConstraintError):
    """A text is not the quantity it should be."""


@dataclass(frozen=True)
class Dimension:
    """What can be measured in one base unit.

    ``units`` maps every accepted spelling to its size in the base unit; ``shown`` are those that
    people are shown, from small to large. ``whole`` names the indivisible thing counted, if any.
    ``rate``: cycles are computed from it, so that it is held as it is written and never rounded.
    """

    noun: str
    example: str
    units: Mapping[str, Fraction]
    shown: tuple[str, ...]
    whole: str = ""
    rate: bool = False


@dataclass(frozen=True)
class DisplayUnit:
    """A unit for display: a value in the base unit is divided by ``size`` and ``name`` written."""

    size: float
    name: str


_EXPONENTS = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12}


def _decimal(prefixes: str, base: str, *, power: int = 1) -> dict[str, Fraction]:
    """``base`` under each of ``prefixes``, of which "-" stands for none."""
    names = ("" if prefix == "-" else prefix for prefix in prefixes)
    return {f"{name}{base}": Fraction(10) ** (power * _EXPONENTS[name]) for name in names}


def _binary(prefixes: str, base: str) -> dict[str, Fraction]:
    return {f"{name}i{base}": Fraction(1024) ** (1 + k) for k, name in enumerate(prefixes)}


def _dimension(
    noun: str,
    example: str,
    shown: dict[str, Fraction],
    *,
    also: dict[str, Fraction] | None = None,
    whole: str = "",
    rate: bool = False,
) -> Dimension:
    units = sorted((shown | (also or {})).items(), key=lambda unit: unit[1])
    return Dimension(noun, example, dict(units), tuple(shown), whole, rate)


_ONE = Fraction(1)

DIMENSIONS: Mapping[str, Dimension] = {
    "Hz": _dimension("a frequency", "500 MHz", _decimal("-kMGT", "Hz"), rate=True),
    "s": _dimension("a time", "80 ns", _decimal("fpnum-", "s")),
    "cycles": _dimension(
        "a number of cycles", "4 cycles", {"cycles": _ONE}, also={"cycle": _ONE}, whole="cycles"
    ),
    "B": _dimension(
        "a size",
        "64 KiB",
        {"B": _ONE, **_binary("KMGT", "B")},
        also=_decimal("kMGT", "B"),
        whole="bytes",
    ),
    "B/s": _dimension(
        "a bandwidth",
        "12.8 GB/s",
        _decimal("-kMGT", "B/s"),
        also=_binary("KMGT", "B/s"),
        rate=True,
    ),
    "B/cycle": _dimension(
        "a width",
        "32 B/cycle",
        {"B/cycle": _ONE, **_binary("KM", "B/cycle")},
        also=_decimal("kM", "B/cycle"),
        rate=True,
    ),
    "m": _dimension("a length", "2 mm", _decimal("num-", "m")),
    "J": _dimension("an energy", "4.6 pJ", _decimal("fpnum-", "J")),
    "W": _dimension("a power", "0.2 mW", _decimal("fpnum-", "W")),
    "m2": _dimension(
        "an area", "0.5 mm2", _decimal("um", "m2", power=2), also=_decimal("n-", "m2", power=2)
    ),
}
"""Base unit -> what can be measured in it."""

Rate = int | Fraction
"""Something per second or per cycle, exactly: an int where it is whole."""

_LONGEST_TEXT = 64
_LONGEST_PLAIN = 20
_QUANTITY = re.compile(
    r"([+-]?)(?:([0-9]+)\s*/\s*(0*[1-9][0-9]*)|((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?))"
    r"\s*(\S.*)?"
)
"""A sign, a numerator and a denominator or else a decimal number, and a unit."""


def rate_of(exact: Fraction) -> Rate:
    """``exact`` as rates are held."""
    return exact.numerator if exact.denominator == 1 else exact


def rate_number(rate: Rate) -> int | float:
    """A rate as a plain number, for files that know no fractions: the nearest float where it is not whole."""
    return rate.numerator if rate.denominator == 1 else float(rate)


def parse_quantity(text: object, unit: str) -> Fraction:
    """The exact value of ``text`` in the base unit ``unit``, one of ``DIMENSIONS``.

    Raises:
        QuantityError: ``text`` is no text, has no or another unit, or cuts something indivisible.
    """
    dimension = DIMENSIONS[unit]
    expected = f"{dimension.noun} such as '{dimension.example}'"
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise QuantityError(expected, text, _nearest("", dimension))
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise QuantityError(expected, text, _nearest("", dimension))
    sign, above, below, decimal, unit_text = match.groups()
    written = _ascii(unit_text or "")
    if written not in dimension.units:
        raise QuantityError(expected, text, _nearest(written, dimension))
    number = Fraction(Decimal(decimal)) if decimal else Fraction(int(above), int(below))
    value = (-number if sign == "-" else number) * dimension.units[written]
    if dimension.whole and value.denominator != 1:
        raise QuantityError(f"a whole number of {dimension.whole}", text)
    return value


def quantity_pattern(unit: str) -> str:
    """A regular expression, as JSON Schema writes them, for the texts that are a quantity of ``unit``.

    Bounds, and whether something indivisible is cut, are not in it.
    """
    spellings = "|".join(
        name.replace("u", "[uµμ]").replace("/", r"\s*/\s*") for name in DIMENSIONS[unit].units
    )
    decimal = r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
    return rf"^\s*[+]?([0-9]+\s*/\s*0*[1-9][0-9]*|{decimal})\s*({spellings})\s*$"


def parse_size(text: object) -> int:
    """Bytes in a text such as "64 KiB" (1024 each) or "64 kB" (1000 each)."""
    return int(parse_quantity(text, "B"))


def parse_energy(text: object) -> float:
    """Joules in a text such as "4.6 pJ"."""
    return float(parse_quantity(text, "J"))


def parse_power(text: object) -> float:
    """Watts in a text such as "0.2 mW"."""
    return float(parse_quantity(text, "W"))


def parse_area(text: object) -> float:
    """Square metres in a text such as "12500 um2"."""
    return float(parse_quantity(text, "m2"))


def exact_quantity(value: Rate | float, unit: str) -> str:
    """The shortest text that ``parse_quantity`` reads as ``value`` again, to the last bit.

    A number that has no end as a decimal, or hardly one, is written as a fraction such as "1/3 GHz".
    """
    exact = as_written(value)
    if exact == 0:
        return f"0 {unit}"
    texts: list[str] = []
    fractions: list[str] = []
    for name, size in DIMENSIONS[unit].units.items():
        if name == "cycle":
            continue
        scaled = exact / size
        fractions.append(f"{scaled.numerator}/{scaled.denominator} {name}")
        number = None if texts and abs(scaled) < 1 else _digits(scaled)
        if number is not None:
            texts.append(f"{number} {'cycle' if unit == 'cycles' and number == '1' else name}")
    decimal = min(reversed(texts), key=len) if texts else ""
    if decimal and len(decimal) <= _LONGEST_TEXT:
        return decimal
    return min(reversed(fractions), key=len)


def as_written(value: Rate | float) -> Fraction:
    """A number exactly: of a float the shortest decimal that is this float, which is how it was written."""
    return Fraction(Decimal(repr(float(value)))) if isinstance(value, float) else Fraction(value)


def scale_of(value: Rate | float, unit: str) -> DisplayUnit:
    """The largest unit in which ``value`` is at least 1 when rounded to three digits.

    ``unit`` is a base unit or a ratio or product that begins with one, such as "J/MAC". Zero keeps
    it as it is.
    """
    base = unit if unit in DIMENSIONS else re.split(r"[/·]", unit, maxsplit=1)[0]
    tail = unit[len(base) :]
    if not value or not isfinite(value):
        return DisplayUnit(1.0, unit)
    dimension = DIMENSIONS[base]
    scales = [
        DisplayUnit(float(dimension.units[name]), _pretty(name) + tail) for name in dimension.shown
    ]
    fitting = [scale for scale in scales if float(f"{abs(float(value)) / scale.size:.3g}") >= 1]
    return fitting[-1] if fitting else scales[0]


def auto_scale(value: Rate | float, unit: str) -> tuple[float, str]:
    """``value`` in the unit that suits it, with that unit's name: 3.2e-12 J is ``(3.2, "pJ")``."""
    scale = scale_of(value, unit)
    return float(value) / scale.size, scale.name


def format_quantity(value: Rate | float, unit: str, *, digits: int = 3) -> str:
    """``value`` for people: 1.2415e-6 J is "1.24 µJ". Digits before the point are all kept."""
    scaled, name = auto_scale(value, unit)
    number = f"{scaled:,.0f}" if 10**digits <= abs(scaled) < 1e15 else f"{scaled:.{digits}g}"
    return f"{number} {'cycle' if name == 'cycles' and number == '1' else name}"


def _digits(number: Fraction) -> str | None:
    """All decimal digits of a rational, None if they never end; an exponent only if it is long."""
    twos, fives = (_power_of(number.denominator, prime) for prime in (2, 5))
    if number.denominator != 2**twos * 5**fives:
        return None
    places = max(twos, fives)
    text = str(number.numerator * 10**places // number.denominator)
    digits = text.rstrip("0") or "0"
    short = f"{digits}e{len(text) - len(digits) - places}"
    plain = f"{Decimal(short):f}"
    return plain if len(plain) <= _LONGEST_PLAIN else short


def _power_of(number: int, prime: int) -> int:
    """How often ``prime`` divides ``number``."""
    power = 0
    while number % prime == 0:
        number //= prime
        power += 1
    return power


def _ascii(written: str) -> str:
    """A unit in its plain spelling: micro as u, no blanks around the stroke."""
    return re.sub(r"\s*/\s*", "/", written).replace("\N{MICRO SIGN}", "u").replace("μ", "u")


def _pretty(name: str) -> str:
    return f"µ{name[1:]}" if name.startswith("u") else name


def _nearest(written: str, dimension: Dimension) -> str:
    """The unit that was probably meant, as a hint, else all there are."""
    names = list(dimension.units)
    close = [name for name in names if name.casefold() == written.casefold()]
    close += [f"{name[0].upper()}i{name[1:]}" for name in close]  # KB: most who write it mean KiB.
    close = [name for name in close if name in names]
    close = close or difflib.get_close_matches(written, names, n=1, cutoff=0.7)
    if not written or not close:
        return f"units are {', '.join(names)}"
    return f"did you mean {' or '.join(map(repr, close))}?"
