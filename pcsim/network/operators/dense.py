"""A fully connected step on the last axis: y = W x + b."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pcsim.network.operators.operator import Flag, Operator, Shape, Whole, attribute, size


@dataclass(frozen=True)
class Dense(Operator):
    """``units`` sums over the last axis; of a sequence, those of every token by the same weights."""

    name: ClassVar[str] = "dense"
    units: int = attribute(Whole(1, 1_048_576))
    bias: bool = attribute(Flag(), default=True)

    def shape(self, given: Shape) -> Shape:
        return (*given[:-1], self.units)

    def parameters(self, given: Shape) -> dict[str, Shape]:
        found: dict[str, Shape] = {"weight": (self.units, given[-1])}
        return found | {"bias": (self.units,)} if self.bias else found

    def macs(self, given: Shape) -> int:
        return size(given) * self.units

    def longest_sum(self, given: Shape) -> int:
        return max(given[-1], self.units)

    def repeats(self, given: Shape) -> int:
        return size(given[:-1])

    def fan_in(self, given: Shape, parameter: str) -> int:
        return given[-1]
