"""What do one multiplication and one addition cost in a number format, and how big are their units?

Floating-point formats are priced by name. Fixed point, integers and blocks are integers of their width: a
price between two tabled widths follows a power law; narrower or wider ones have none. A block's
exponents are added once per block. Left out: converting between formats, alignment within a block, and the
random bits of stochastic rounding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pcsim.formats import SHARED_EXPONENT_BITS, Format
from pcsim.technology.costs import Curve, UnitCost, joined, total, weakest

QUANTITIES = {
    "multiply": "energy",
    "add": "energy",
    "multiplier": "area",
    "adder": "area",
    "register_bit": "area",
}
"""The rows of a table's ``arithmetic`` and what each of them is."""

BITS = "by bits"
"""The name under which integers of every width stand."""


@dataclass(frozen=True)
class ArithmeticPrices:
    """The ``arithmetic`` rows of one table: per row a cost by format name, and a curve of integers by bits."""

    rows: Mapping[str, Mapping[str, UnitCost | Curve]]

    def prices(self, number: Format) -> bool:
        """Whether every row knows ``number``."""
        return all(
            self._find(row, number) is not None for row in QUANTITIES if row != "register_bit"
        )

    def add(self, number: Format) -> UnitCost:
        """One addition."""
        return self._one("add", number)

    def multiply(self, first: Format, second: Format) -> UnitCost:
        """One multiplication of two numbers, which may have different formats.

        Integers of a and b bits multiply like two of sqrt(a b). Other mixtures go through the dearer
        multiplier, the cheaper one being the low end.
        """
        return self._mixed("multiply", first, second)

    def multiplier(self, first: Format, second: Format) -> UnitCost:
        """The area of the unit that multiplies them."""
        return self._mixed("multiplier", first, second)

    def adder(self, number: Format) -> UnitCost:
        """The area of an adder."""
        return self._one("adder", number)

    @property
    def register_bit(self) -> UnitCost:
        """The area of a flip-flop."""
        found = self.rows["register_bit"]["any"]
        assert isinstance(found, UnitCost)
        return found

    def _find(self, row: str, number: Format) -> UnitCost | None:
        if number.kind == "float":
            found = self.rows[row].get(number.name)
            return found if isinstance(found, UnitCost) else None
        return self._integer(row, number.bits)

    def _integer(self, row: str, bits: float) -> UnitCost | None:
        curve = self.rows[row].get(BITS)
        return curve.at(bits) if isinstance(curve, Curve) and curve.covers(bits) else None

    def _one(self, row: str, number: Format) -> UnitCost:
        found = self._find(row, number)
        assert found is not None, f"{row} of {number.name}: ask prices() first"
        return found

    def _mixed(self, row: str, first: Format, second: Format) -> UnitCost:
        if first.kind == "float" or second.kind == "float":
            one, other = self._one(row, first), self._one(row, second)
            if first.name == second.name:
                return one
            dearer = max(one, other, key=lambda cost: cost.value)
            return replace(
                dearer,
                low=min(one.low, other.low),
                status="assumed",
                sources=tuple(dict.fromkeys((*one.sources, *other.sources))),
                note=joined(dearer.note, f"{first.name} x {second.name} in the dearer unit"),
            )
        found = self._integer(row, math.sqrt(first.bits * second.bits))
        assert found is not None, f"{row} of {first.name} x {second.name}: ask prices() first"
        block = min((number.block for number in (first, second) if number.block > 1), default=0)
        if row == "multiply" and block:
            exponents = self._integer("add", SHARED_EXPONENT_BITS)
            assert exponents is not None, "every table adds 8 bits"
            shared = exponents.scaled(1 / block, per=found.per)
            found = total({"mantissas": found, "shared exponents": shared})
            found = replace(found, status=weakest((found.status, "derived")))
        return found
