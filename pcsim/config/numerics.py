"""Which numbers does the chip really hold? The format of each kind of value, and the errors of analog cells.

The engine computes in them and technology prices them: one truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import model_validator

from pcsim.config.fields import at_least_zero, must_be, number_format, rejected, whole
from pcsim.config.section import Section
from pcsim.formats import INT32, Format, exact_terms

WIDEST_INTEGER = 8
"""Bits of integers whose products a 32-bit accumulator adds up without overflow at any width of a network."""

_FLOAT32_SUM = 25
"""Digits of a float32 and one more: the bits of an integer accumulator that it is as good as."""

_Stored = Annotated[Format, number_format()]
_Accumulator = Annotated[
    Format,
    number_format(
        allowed=lambda found: found.kind in ("float", "fixed"),
        which="int32, or a floating or fixed point format such as 'fp32'",
        beside=(INT32,),
    ),
]


class Value(StrEnum):
    """A kind of value that has a format of its own: the keys of ``tiles.formats``."""

    WEIGHT = "weight"
    MASTER = "master"
    STATE = "state"
    ERROR = "error"
    ACCUMULATE = "accumulate"
    OPTIMISER = "optimiser"


class Formats(Section):
    """The number format of each kind of value.

    ``state`` is of inputs, targets, activities and predictions; ``error`` of errors and of what comes
    back through weights; ``accumulate`` of sums of products and of gradients, int32 where the operands
    are integers with scales of powers of two; ``optimiser`` of moments. ``master`` is of the weights
    that the optimiser steps, from which those that products read are rounded; without it there is one copy.
    """

    weight: _Stored
    state: _Stored
    error: _Stored
    accumulate: _Accumulator
    optimiser: _Stored
    master: Annotated[Format | None, number_format(optional=True)] = None

    @model_validator(mode="after")
    def _integers_meet_integers(self) -> Self:
        if self.accumulate != INT32:
            return self
        findings = [
            must_be(
                f"an integer format of at most {WIDEST_INTEGER} bits with a scale of a power of two "
                "where tiles.formats.accumulate is int32",
                str(value),
                path=(field,),
                hint="write int8_pow2, or accumulate: fp32",
            )
            for field in ("weight", "state", "error")
            if (value := getattr(self, field)).scale != "power of two"
            or value.bits > WIDEST_INTEGER
        ]
        if findings:
            raise rejected(findings)
        return self

    def of(self, value: Value) -> Format:
        """The format of ``value``; of master weights, where there is one copy, that of the weights."""
        if value is Value.MASTER:
            return self.updated
        found: Format = getattr(self, value)
        return found

    @property
    def updated(self) -> Format:
        """Of the weights that the optimiser steps."""
        return self.master or self.weight

    @property
    def plain(self) -> str | None:
        """The one IEEE format that everything is in, "fp32" or "fp64"; None where something is rounded."""
        names = {str(value) for value in (*self._each(), self.updated)}
        return names.pop() if names in ({"fp32"}, {"fp64"}) else None

    def carrier_for(self, terms: int) -> Literal["float32", "float64"]:
        """The dtype of the engine's arrays, where the longest sum is of so many products.

        The narrowest that holds every number of every format and, where the accumulator is int32, every sum.
        """
        held = (value for value in (*self._each(), self.updated) if value != INT32)
        holds = all(value.fits("float32") for value in held)
        if self.accumulate == INT32:
            exact = (
                exact_terms(self.weight, self.state, accumulator_bits=_FLOAT32_SUM),
                exact_terms(self.weight, self.error, accumulator_bits=_FLOAT32_SUM),
                exact_terms(self.state, self.error, accumulator_bits=_FLOAT32_SUM),
            )
            holds = holds and terms <= min(exact)
        return "float32" if holds else "float64"

    def _each(self) -> tuple[Format, ...]:
        return (self.weight, self.state, self.error, self.accumulate, self.optimiser)


class Analog(Section):
    """The errors of analog cells that hold weights; deviations are shares of the largest weight of a layer.

    ``read_noise`` is drawn at each read of a cell, ``write_noise`` at each write, ``mismatch`` once: by so
    much the cells seen through W^T differ from those seen through W. ``adc_bits`` convert sums of
    columns, whose range follows the largest sum.
    """

    read_noise: Annotated[float, at_least_zero(1)]
    write_noise: Annotated[float, at_least_zero(1)]
    mismatch: Annotated[float, at_least_zero(1)]
    adc_bits: Annotated[int, whole(2, 24)]


@dataclass(frozen=True)
class Numerics:
    """What a candidate computes in: formats, and analog errors where products are made by analog cells."""

    formats: Formats
    analog: Analog | None = None

    def words(self) -> dict[str, str | float]:
        """What a file would say of all this, by key."""
        said = self.formats.model_dump(mode="json", exclude_none=True)
        return said | (self.analog.model_dump(mode="json") if self.analog else {})

    @property
    def plain(self) -> str | None:
        """The one IEEE format of everything; None where something is rounded or disturbed."""
        return None if self.analog else self.formats.plain
