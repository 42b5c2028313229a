"""Which kinds of values may stand in a file, and what is said of one that may not?

A kind reads what YAML gave, checks type and range together, and writes it back as text that reads
the same. Its complaints follow one grammar: "must be <constraint>, not <value>".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from math import isfinite
from typing import Any, get_args

from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from pcsim.config.marks import Path, show_value
from pcsim.units import DIMENSIONS, QuantityError, exact_quantity, parse_quantity

FROM_FILE = "from a file"
"""Validation context of values from a file, where a quantity has to name its unit."""

FINDINGS = "findings"
"""Type of the pydantic errors that carry findings."""

UNLIMITED = "unlimited"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Finding:
    """One complaint about the value at ``path``, relative to the value being validated.

    ``said`` goes on after the path: "must be ..., not ...". ``at_key`` points at the key instead.
    """

    said: str
    path: Path = ()
    hint: str = ""
    at_key: bool = False


def must_be(constraint: str, value: object, *, path: Path = (), hint: str = "") -> Finding:
    """The complaint that ``value`` does not meet ``constraint``."""
    return Finding(f"must be {constraint}, not {show_value(value)}", path, hint)


def rejected(findings: Iterable[Finding]) -> PydanticCustomError:
    """The error that carries ``findings`` through pydantic."""
    found = tuple(findings)
    text = "; ".join(finding.said for finding in found)
    return PydanticCustomError(FINDINGS, "{text}", {"text": text, "findings": found})


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of ``words`` that was probably meant, empty if none is near."""
    return next(iter(get_close_matches(word, list(words), n=1)), "")


def did_you_mean(word: object, words: Iterable[str]) -> str:
    """A hint at the nearest of ``words``, empty if none is near."""
    close = nearest(word, words) if isinstance(word, str) else ""
    return f"did you mean {close!r}?" if close else ""


@dataclass(frozen=True)
class Kind:
    """How a value is read (told whether it comes from a file) and written. Annotates a field."""

    read: Callable[[Any, bool], Any]
    write: Callable[[Any], Any] = lambda value: value

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def validate(value: Any, info: ValidationInfo) -> Any:
            return self.read(value, info.context == FROM_FILE)

        writer = core_schema.plain_serializer_function_ser_schema(self.write, when_used="json")
        return core_schema.with_info_plain_validator_function(validate, serialization=writer)


def quantity(
    unit: str, minimum: float, maximum: float, *, unlimited: bool = False, optional: bool = False
) -> Kind:
    """A number of ``unit`` within bounds: text with a unit, or from Python the bare number.

    ``unlimited`` admits that word, which is None inside; ``optional`` None, which a file leaves out.
    """
    whole = bool(DIMENSIONS[unit].whole)
    limits = f"between {exact_quantity(minimum, unit)} and {exact_quantity(maximum, unit)}"

    def read(value: Any, from_file: bool) -> Any:
        if unlimited and value == UNLIMITED:
            return None
        if not from_file and value is None and (unlimited or optional):
            return None
        if not from_file and is_number(value) and not (whole and isinstance(value, float)):
            exact = Fraction(value)
        else:
            exact = parse(value)
        if not Fraction(minimum) <= exact <= Fraction(maximum):
            raise rejected([must_be(limits, value)])
        return int(exact) if whole else float(exact)

    def parse(value: Any) -> Fraction:
        try:
            return parse_quantity(value, unit)
        except QuantityError as error:
            hint = did_you_mean(value, [UNLIMITED]) if unlimited else ""
            raise rejected([must_be(error.constraint, value, hint=hint or error.hint)]) from None

    def write(value: Any) -> Any:
        if value is None:
            return UNLIMITED if unlimited else None
        return exact_quantity(value, unit)

    return Kind(read, write)


def whole(minimum: int, maximum: int, *, unlimited: bool = False) -> Kind:
    """A whole number; neither a truth value nor 3.0 is one. ``unlimited`` admits that word."""
    constraint = _whole_within(minimum, maximum) + (f" or {UNLIMITED}" if unlimited else "")

    def read(value: Any, from_file: bool) -> int | None:
        if unlimited and (value == UNLIMITED or (value is None and not from_file)):
            return None
        if not _is_whole_within(value, minimum, maximum):
            hint = did_you_mean(value, [UNLIMITED]) if unlimited else ""
            raise rejected([must_be(constraint, value, hint=hint)])
        return int(value)

    return Kind(read, lambda value: UNLIMITED if value is None else value)


def wholes(minimum: int, maximum: int, *, shape: str, fewest: int, most: int) -> Kind:
    """A list of ``fewest`` to ``most`` whole numbers, described by ``shape``."""

    def read(value: Any, _from_file: bool) -> tuple[int, ...]:
        if not isinstance(value, list | tuple) or not fewest <= len(value) <= most:
            raise rejected([must_be(shape, value)])
        wrong = [
            must_be(_whole_within(minimum, maximum), item, path=(index,))
            for index, item in enumerate(value)
            if not _is_whole_within(item, minimum, maximum)
        ]
        if wrong:
            raise rejected(wrong)
        return tuple(value)

    return Kind(read, list)


def positive(maximum: float) -> Kind:
    """A finite number above 0 and at most ``maximum``."""

    def read(value: Any, _from_file: bool) -> float:
        if not is_number(value) or not 0 < value <= maximum:
            raise rejected([must_be(f"a number above 0 and at most {maximum:g}", value)])
        return float(value)

    return Kind(read)


def choice(words: Any, *, later: tuple[str, ...] = (), why: str = "") -> Kind:
    """One of the words of a Literal. ``later`` are known words refused because ``why``."""
    known: tuple[str, ...] = get_args(words)

    def read(value: Any, _from_file: bool) -> str:
        if isinstance(value, str) and value in known:
            return value
        hint = f"{value} {why}" if value in later else did_you_mean(value, known)
        raise rejected([must_be(any_of(known), value, hint=hint)])

    return Kind(read)


def flag() -> Kind:
    """true or false."""

    def read(value: Any, _from_file: bool) -> bool:
        if not isinstance(value, bool):
            raise rejected([must_be("true or false", value)])
        return value

    return Kind(read)


def only_true(*, why: str) -> Kind:
    """true; ``why`` says what stands against false."""

    def read(value: Any, _from_file: bool) -> bool:
        if value is not True:
            raise rejected([must_be("true", value, hint=why)])
        return True

    return Kind(read)


def name() -> Kind:
    """A word that can be part of a file's name."""

    def read(value: Any, _from_file: bool) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            shape = "a name of at most 64 letters, digits, '.', '_' and '-'"
            raise rejected([must_be(shape, value)])
        return value

    return Kind(read)


def sentence() -> Kind:
    """A line of text that is not empty."""

    def read(value: Any, _from_file: bool) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise rejected([must_be("a line of text", value)])
        return value

    return Kind(read)


def any_of(words: Iterable[str]) -> str:
    """Words as alternatives: "ws", "ws or os", "ws, os or is"."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def is_number(value: Any) -> bool:
    """Whether this is a finite number; truth values are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_whole_within(value: Any, minimum: int, maximum: int) -> bool:
    return type(value) is int and minimum <= value <= maximum


def _whole_within(minimum: int, maximum: int) -> str:
    return f"a whole number between {minimum} and {maximum}"
