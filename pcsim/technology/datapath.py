"""What does a datapath cost in the chip's number formats?

A table gives every cost of a datapath in fp32, and multiplications and additions in every format that it
prices. From these:

- a multiply-accumulate is a multiplication of its operands and an addition of its sum;
- what is made of multiplications and additions (an optimiser, tanh) costs as much more or less than in fp32
  as one multiplication and one addition together;
- registers, wires, comparisons and the lanes around them cost by the bit;
- an array's cell is as large, leaks and is clocked as its largest multiplier, adder and registers.

The lanes of a unit compute in the dearest of the formats that they read and write, rounding on the way
out. Left out: units built for several formats at once, wires that shorten with their cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from pcsim.config import Formats, Value
from pcsim.formats import Format, parse_format
from pcsim.program import PRODUCTS, Kind
from pcsim.technology.actions import block_of
from pcsim.technology.arithmetic import ArithmeticPrices
from pcsim.technology.costs import UnitCost, joined, total, weakest

FP32 = parse_format("fp32")

MACS = {
    "array.mac": PRODUCTS[Kind.PRODUCT_FORWARD],
    "array.mac_backward": PRODUCTS[Kind.PRODUCT_BACKWARD],
    "array.mac_gradient": PRODUCTS[Kind.WEIGHT_GRADIENT],
}
"""The multiply-accumulate of each product. A table holds the first, in fp32."""

BY_BIT = ("relu", "relu_derivative", "leaky_relu_derivative", "lane_op")
"""Costs of a lane that grow with its width alone."""

_USED: Mapping[str, tuple[Value, ...]] = {
    "array": (Value.STATE, Value.ERROR, Value.WEIGHT, Value.ACCUMULATE),
    "vector": (Value.STATE, Value.ERROR, Value.ACCUMULATE),
    "update": (Value.MASTER, Value.ACCUMULATE, Value.OPTIMISER),
}


@dataclass(frozen=True)
class Datapath:
    """Brings fp32 costs of arrays, vector and update units to the formats of one chip."""

    formats: Formats
    arithmetic: ArithmeticPrices

    def unpriced(self, key: str) -> tuple[Format, ...]:
        """The formats on which the cost ``key`` depends and which the table does not price."""
        if key in MACS:
            operands = MACS[key]
            used: tuple[Value, ...] = (*operands[:2], Value.ACCUMULATE)
        else:
            used = _USED[block_of(key)]
        wanted = {self.formats.of(value).name: self.formats.of(value) for value in used}
        return tuple(n for n in wanted.values() if not self.arithmetic.prices(n))

    def cost(self, key: str, costs: Mapping[str, UnitCost]) -> UnitCost:
        """The cost ``key`` from ``costs``, those of the table; its formats must all be priced."""
        component, action = block_of(key), key.rpartition(".")[2]
        if key in MACS:
            return self._mac(key, costs["array.mac"])
        if component == "array" and self._names(_USED["array"]) == {FP32.name}:
            return costs[key]
        if key in ("leakage.array", "area.array", "clock.array"):
            return _scaled(costs[key], self._cell, _plain(self.arithmetic)._cell, "a cell")
        if component == "array":
            factor, what = self._array_bits[action]
            return _by_bits(costs[key], factor, what)
        lane = self._lane(component)
        if lane.name == FP32.name:
            return costs[key]
        if key.startswith(("leakage.", "area.", "clock.")) or action in BY_BIT:
            return _by_bits(costs[key], lane.bits / FP32.bits, f"{lane.name} lanes")
        if action == "add":
            return self.arithmetic.add(lane).scaled(1, per=costs[key].per)
        if action == "mul":
            return self.arithmetic.multiply(lane, lane).scaled(1, per=costs[key].per)
        here, there = self._pair(lane, lane, lane), self._pair(FP32, FP32, FP32)
        return _scaled(costs[key], here, there, "a multiplication and an addition")

    def _mac(self, key: str, fp32: UnitCost) -> UnitCost:
        operands = MACS[key]
        first, second, sums = (
            self.formats.of(value)
            for value in (operands.streamed, operands.stationary, Value.ACCUMULATE)
        )
        if self._names((*operands[:2], Value.ACCUMULATE)) == {FP32.name}:
            return fp32
        return self._pair(first, second, sums).scaled(1, per=fp32.per)

    def _pair(self, first: Format, second: Format, sums: Format) -> UnitCost:
        """One multiplication and one addition."""
        made = total(
            {
                f"{first.name} x {second.name}": self.arithmetic.multiply(first, second),
                f"{sums.name} add": self.arithmetic.add(sums),
            }
        )
        return replace(made, status=weakest((made.status, "derived")))

    def _lane(self, component: str) -> Format:
        """What the lanes of a unit compute in: the format whose multiplication and addition cost most."""
        numbers = {
            self.formats.of(value).name: self.formats.of(value) for value in _USED[component]
        }
        if len(numbers) == 1:
            return next(iter(numbers.values()))
        return max(numbers.values(), key=lambda number: self._pair(number, number, number).value)

    @cached_property
    def _streamed(self) -> int:
        return max(self.formats.state.bits, self.formats.error.bits)

    @cached_property
    def _stationary(self) -> int:
        return max(self.formats.weight.bits, self.formats.state.bits)

    @cached_property
    def _array_bits(self) -> dict[str, tuple[float, str]]:
        """Per action of an array its bits over those of fp32, and what they are."""
        moved, stays, sums = self._streamed, self._stationary, self.formats.accumulate.bits
        return {
            "pipeline_registers": ((moved + 2 * sums) / 96, "a moving operand and two sums"),
            "operand_hop": ((moved + sums) / 64, "the mean of operand and sum"),
            "weight_load": (stays / 32, "a stationary operand"),
            "idle_pe": (moved / 32, "a moving operand"),
        }

    @cached_property
    def _cell(self) -> UnitCost:
        """Area of the largest multiplier that the products need, of an adder and of a cell's registers."""
        formats, make = self.formats, self.arithmetic
        multipliers = [
            make.multiplier(formats.of(operands.streamed), formats.of(operands.stationary))
            for operands in MACS.values()
        ]
        bits = self._streamed + 2 * formats.accumulate.bits
        return total(
            {
                "multiplier": max(multipliers, key=lambda cost: cost.value),
                "adder": make.adder(formats.accumulate),
                f"{bits} flip-flops": make.register_bit.scaled(bits, per="unit"),
            }
        )

    def _names(self, values: Iterable[Value]) -> set[str]:
        return {self.formats.of(value).name for value in values}


def _plain(arithmetic: ArithmeticPrices) -> Datapath:
    """The datapath that tables price: everything in fp32."""
    keys = ("weight", "state", "error", "accumulate", "optimiser")
    return Datapath(Formats.model_validate(dict.fromkeys(keys, FP32.name)), arithmetic)


def _scaled(fp32: UnitCost, here: UnitCost, there: UnitCost, what: str) -> UnitCost:
    """``fp32`` times how much ``what`` costs ``here`` over what it costs ``there``, in fp32."""
    made = fp32.scaled(here.value / there.value, per=fp32.per)
    return replace(
        made,
        status=weakest((fp32.status, here.status, "derived")),
        sources=tuple(dict.fromkeys((*fp32.sources, *here.sources))),
        note=joined(made.note, f"{what}: {here.shown} for {there.shown} in fp32"),
    )


def _by_bits(fp32: UnitCost, factor: float, what: str) -> UnitCost:
    """``fp32`` for ``factor`` as many bits."""
    if factor == 1:
        return fp32
    made = fp32.scaled(factor, per=fp32.per)
    return replace(
        made,
        status=weakest((fp32.status, "derived")),
        note=joined(made.note, f"by the bits of {what}"),
    )
