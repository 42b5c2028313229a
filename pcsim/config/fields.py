"""Which kinds of values may stand in a file, and what is said of one that may not?

A kind reads what YAML gave, checks type and range together, and writes it back as text that reads
the same. Its complaints follow one grammar: "must be <constraint>, not <value>".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from math import isfinite
from typing import Any, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from pcsim.config.marks import Path, show_value
from pcsim.formats import Format, FormatError, parse_format
from pcsim.units import (
    DIMENSIONS,
    QuantityError,
    as_written,
    exact_quantity,
    parse_quantity,
    quantity_pattern,
    rate_of,
)

FROM_FILE = "from a file"
"""Validation context of values from a file, where a quantity has to name its unit."""

FINDINGS = "findings"
"""Type of the pydantic errors that carry findings."""

UNLIMITED = "unlimited"
_SHORTEST_PART = 3
NAME_SHAPE = "a name of at most 64 letters, digits, '.', '_' and '-'"
_TRUTH = {"true": "true", "yes": "true", "on": "true"}
_TRUTH |= {"false": "false", "no": "false", "off": "false"}
_SIMPLE_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?%?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Finding:
    """One complaint about the value at ``path``, relative to the value being validated.

    ``said`` goes on after the path: "must be ..., not ...". ``at_key`` points at the key instead, which is an
    unknown one; ``near`` is the key of the same section that is most like it.
    """

    said: str
    path: Path = ()
    hint: str = ""
    at_key: bool = False
    near: str = ""


def must_be(constraint: str, value: object, *, path: Path = (), hint: str = "") -> Finding:
    """The complaint that ``value`` does not meet ``constraint``."""
    return Finding(f"must be {constraint}, not {show_value(value)}", path, hint)


def rejected(findings: Iterable[Finding]) -> PydanticCustomError:
    """The error that carries ``findings`` through pydantic."""
    found = tuple(findings)
    text = "; ".join(finding.said for finding in found)
    return PydanticCustomError(FINDINGS, "{text}", {"text": text, "findings": found})


def nearest(word: str, words: Iterable[str], *, likeness: float = 0.6) -> str:
    """The one of ``words`` that was probably meant, empty if none is near.

    That is the most alike, or the only one of which ``word`` is a part.
    """
    known = list(words)
    if close := get_close_matches(word, known, n=1, cutoff=likeness):
        return close[0]
    holding = [each for each in known if len(word) >= _SHORTEST_PART and word in each]
    return holding[0] if len(holding) == 1 else ""


def did_you_mean(word: object, words: Iterable[str]) -> str:
    """A hint at the nearest of ``words``, empty if none is near."""
    close = nearest(word, words) if isinstance(word, str) else ""
    return f"did you mean {close!r}?" if close else ""


@dataclass(frozen=True)
class FieldKind:
    """How a value is read (told whether it comes from a file) and written. Annotates a field.

    ``schema`` tells editors what a file may say there, in the words of JSON Schema.
    """

    read: Callable[[Any, bool], Any]
    write: Callable[[Any], Any] = lambda value: value
    schema: Mapping[str, Any] = field(default_factory=dict)

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def validate(value: Any, info: ValidationInfo) -> Any:
            return self.read(value, info.context == FROM_FILE)

        writer = core_schema.plain_serializer_function_ser_schema(self.write, when_used="json")
        return core_schema.with_info_plain_validator_function(validate, serialization=writer)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.schema)


def quantity(
    unit: str, minimum: float, maximum: float, *, unlimited: bool = False, optional: bool = False
) -> FieldKind:
    """A number of ``unit`` within bounds: text with a unit, or from Python the bare number.

    What is read is a `Rate` where the dimension is one, an int where it is indivisible, else a float.

    ``unlimited`` admits that word, which is None inside; ``optional`` None, which a file leaves out.
    """
    whole, rate = bool(DIMENSIONS[unit].whole), DIMENSIONS[unit].rate
    limits = f"between {exact_quantity(minimum, unit)} and {exact_quantity(maximum, unit)}"

    def read(value: Any, from_file: bool) -> Any:
        if unlimited and value == UNLIMITED:
            return None
        if not from_file and value is None and (unlimited or optional):
            return None
        bare = is_number(value) or (rate and isinstance(value, Fraction))
        if not from_file and bare and not (whole and isinstance(value, float)):
            exact = as_written(value) if rate else Fraction(value)
        else:
            exact = parse(value)
        if not Fraction(minimum) <= exact <= Fraction(maximum):
            raise rejected([must_be(limits, value)])
        if rate:
            return rate_of(exact)
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

    example = DIMENSIONS[unit].example
    text = {"type": "string", "pattern": quantity_pattern(unit), "examples": [example]}
    return FieldKind(read, write, _or_unlimited(text) if unlimited else text)


def whole(minimum: int, maximum: int, *, unlimited: bool = False) -> FieldKind:
    """A whole number; neither a truth value nor 3.0 is one. ``unlimited`` admits that word."""
    constraint = _whole_within(minimum, maximum) + (f" or {UNLIMITED}" if unlimited else "")

    def read(value: Any, from_file: bool) -> int | None:
        if unlimited and (value == UNLIMITED or (value is None and not from_file)):
            return None
        if not _is_whole_within(value, minimum, maximum):
            hint = did_you_mean(value, [UNLIMITED]) if unlimited else ""
            hint = hint or _plain_number(
                value, lambda meant: minimum <= meant <= maximum, whole=True
            )
            raise rejected([must_be(constraint, value, hint=hint)])
        return int(value)

    number = {"type": "integer", "minimum": minimum, "maximum": maximum}
    return FieldKind(
        read,
        lambda value: UNLIMITED if value is None else value,
        _or_unlimited(number) if unlimited else number,
    )


def wholes(
    minimum: int, maximum: int, *, shape: str, fewest: int, most: int, optional: bool = False
) -> FieldKind:
    """A list of ``fewest`` to ``most`` whole numbers, described by ``shape``.

    ``optional`` admits None, which a file leaves out.
    """

    def read(value: Any, from_file: bool) -> tuple[int, ...] | None:
        if optional and value is None and not from_file:
            return None
        if not isinstance(value, list | tuple) or not fewest <= len(value) <= most:
            raise rejected([must_be(shape, value)])
        wrong = [
            must_be(
                _whole_within(minimum, maximum),
                item,
                path=(index,),
                hint=_plain_number(item, lambda meant: minimum <= meant <= maximum, whole=True),
            )
            for index, item in enumerate(value)
            if not _is_whole_within(item, minimum, maximum)
        ]
        if wrong:
            raise rejected(wrong)
        return tuple(value)

    items = {"type": "integer", "minimum": minimum, "maximum": maximum}
    schema = {"type": "array", "items": items, "minItems": fewest, "maxItems": most}
    return FieldKind(read, lambda value: None if value is None else list(value), schema)


def positive(maximum: float) -> FieldKind:
    """A finite number above 0 and at most ``maximum``."""

    def read(value: Any, _from_file: bool) -> float:
        if not is_number(value) or not 0 < value <= maximum:
            hint = _plain_number(value, lambda meant: 0 < meant <= maximum)
            raise rejected([must_be(f"a number above 0 and at most {maximum:g}", value, hint=hint)])
        return float(value)

    return FieldKind(read, schema={"type": "number", "exclusiveMinimum": 0, "maximum": maximum})


def at_least_zero(limit: float) -> FieldKind:
    """A number from 0 up to, and without, ``limit``."""

    def read(value: Any, _from_file: bool) -> float:
        if not is_number(value) or not 0 <= value < limit:
            hint = _plain_number(value, lambda meant: 0 <= meant < limit)
            raise rejected([must_be(f"a number from 0 to below {limit:g}", value, hint=hint)])
        return float(value)

    return FieldKind(read, schema={"type": "number", "minimum": 0, "exclusiveMaximum": limit})


def choice(
    words: Any, *, later: tuple[str, ...] = (), why: str = "", optional: bool = False
) -> FieldKind:
    """One of the words of a Literal. ``later`` are known words refused because ``why``.

    ``optional`` admits None, which a file leaves out.
    """
    known: tuple[str, ...] = get_args(words)

    def read(value: Any, from_file: bool) -> str | None:
        if isinstance(value, str) and value in known:
            return value
        if optional and value is None and not from_file:
            return None
        hint = f"{value} {why}" if value in later else did_you_mean(value, known)
        raise rejected([must_be(any_of(known), value, hint=hint)])

    return FieldKind(read, schema={"enum": list(known)})


def number_format(
    *,
    allowed: Callable[[Format], bool] | None = None,
    which: str = "",
    beside: tuple[Format, ...] = (),
    optional: bool = False,
) -> FieldKind:
    """A number format such as bf16, or one of those ``beside``; ``which`` are those ``allowed``."""
    special = {found.name: found for found in beside}

    def read(value: Any, from_file: bool) -> Format | None:
        if isinstance(value, Format) or (optional and value is None and not from_file):
            return value
        if isinstance(value, str) and value in special:
            return special[value]
        try:
            found = parse_format(value)
        except FormatError as error:
            raise rejected([must_be(error.constraint, value, hint=error.hint)]) from None
        if allowed is not None and not allowed(found):
            raise rejected([must_be(which, value)])
        return found

    examples = ["fp32", "bf16", "bf16 stochastic", "fp8_e4m3", "q4.12", "int8_pow2", "bfp8/16"]
    return FieldKind(
        read,
        lambda value: None if value is None else str(value),
        schema={"type": "string", "examples": [*special, *examples]},
    )


def flag() -> FieldKind:
    """true or false."""

    def read(value: Any, _from_file: bool) -> bool:
        if not isinstance(value, bool):
            raise rejected([must_be("true or false", value, hint=_plain_truth(value))])
        return value

    return FieldKind(read, schema={"type": "boolean"})


def name() -> FieldKind:
    """A word that can be part of a file's name."""

    def read(value: Any, _from_file: bool) -> str:
        if not is_name(value):
            raise rejected([must_be(NAME_SHAPE, value)])
        return str(value)

    return FieldKind(read, schema={"type": "string", "pattern": f"^{_NAME.pattern}$"})


def is_name(value: object) -> bool:
    """Whether this may stand where a file asks for a name."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def sentence() -> FieldKind:
    """A line of text that is not empty."""

    def read(value: Any, _from_file: bool) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise rejected([must_be("a line of text", value)])
        return value

    return FieldKind(read, schema={"type": "string", "pattern": r"\S"})


def any_of(words: Iterable[str]) -> str:
    """Words as alternatives: "ws", "ws or os", "ws, os or is"."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def is_number(value: Any) -> bool:
    """Whether this is a finite number; truth values are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _or_unlimited(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"const": UNLIMITED}]}


def _plain_truth(value: object) -> str:
    """A hint at the truth value that a word such as 'yes' means elsewhere."""
    meant = _TRUTH.get(value.casefold()) if isinstance(value, str) else None
    return f"write {meant}" if meant else ""


def _plain_number(value: object, possible: Callable[[float], bool], *, whole: bool = False) -> str:
    """A hint at the number that a text or a float such as '1_000', '0,3' or 32.0 seems to mean."""
    text = str(value).replace("_", "").replace(",", ".").strip()
    if isinstance(value, bool) or not _SIMPLE_NUMBER.fullmatch(text):
        return ""
    meant = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    if not possible(meant) or (whole and not meant.is_integer()):
        return ""
    return f"write {int(meant) if whole else meant}"


def _is_whole_within(value: Any, minimum: int, maximum: int) -> bool:
    return type(value) is int and minimum <= value <= maximum


def _whole_within(minimum: int, maximum: int) -> str:
    return f"a whole number between {minimum} and {maximum}"
