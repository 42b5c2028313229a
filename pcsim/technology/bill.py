"""What did a run cost? Count x unit price, line by line, and leakage for as long as it took.

Leaves out whatever nobody counts: see docs/energy.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from pcsim.errors import MissingCostError, Problem
from pcsim.machine.activity import Activity, Count
from pcsim.technology.actions import COMPONENTS, ENERGY_UNITS
from pcsim.technology.overrides import missing_costs
from pcsim.technology.values import Leak, PriceList
from pcsim.units import Rate

LEAKAGE = "leakage"
DRAM_STANDBY = "dram_standby"
STATIC = "static"
COMPONENT_ORDER = (*COMPONENTS, LEAKAGE, DRAM_STANDBY)
"""Every component that a bill can hold, in the order of its lines."""

Group = TypeVar("Group", bound=Hashable)


@dataclass(frozen=True)
class BillLine:
    """One row of energy.csv: ``count`` actions at ``unit_j`` each.

    Static lines have component ``leakage`` or ``dram_standby``, the leaking block as action, no
    layer, stage ``static``, the makespan's cycles as count and watts / clock as unit. A block that is gated has two
    lines, cycles of single units with and without supply, whose unit is ``share`` of watts / clock: one part in as many
    units, and of that what is retained.
    """

    component: str
    action: str
    layer: int | None
    stage: str
    count: int
    unit_j: float
    energy_j: float
    status: str
    source_id: str
    share: float = 1.0

    @property
    def key(self) -> str:
        """The key of the price behind this line."""
        prefix = LEAKAGE if self.stage == STATIC else self.component
        return f"{prefix}.{self.action}"


@dataclass(frozen=True)
class Bill:
    """The energy of one run.

    Sums are exact: each ``energy_j`` is count x unit, rounded to a multiple of q = 2 ulp(total), a
    power of two. All partial sums are then multiples of q below 2^53 q, which doubles hold exactly,
    so adding the lines in any order or grouping gives the same total to the last bit, in a
    spreadsheet as well. A line moves by at most one ulp of the total, 2.2e-16 of it.
    """

    lines: tuple[BillLine, ...]

    @property
    def energy_j(self) -> float:
        """All lines together, static ones included."""
        return sum((line.energy_j for line in self.lines), 0.0)

    @property
    def static_energy_j(self) -> float:
        """What passes with time alone: leakage, DRAM standby and refresh."""
        return sum((line.energy_j for line in self.lines if line.stage == STATIC), 0.0)

    def by_component(self) -> dict[str, float]:
        """Energy per component, in the order of the lines."""
        return self._grouped(lambda line: line.component)

    def by_stage(self) -> dict[str, float]:
        """Energy per stage (``static`` for leakage), in the order of the lines."""
        return self._grouped(lambda line: line.stage)

    def by_layer(self) -> dict[int | None, float]:
        """Energy per layer; None holds what belongs to no layer, the static lines."""
        return self._grouped(lambda line: line.layer)

    def _grouped(self, group_of: Callable[[BillLine], Group]) -> dict[Group, float]:
        sums: dict[Group, float] = {}
        for line in self.lines:
            group = group_of(line)
            sums[group] = sums.get(group, 0.0) + line.energy_j
        return sums


def bill(activity: Activity, prices: PriceList, *, clock_hz: Rate) -> Bill:
    """The bill of ``activity``, its lines sorted by component, action, layer and stage.

    Raises MissingCostError when something was counted that has no price, naming all of it.
    """
    counted = {(count.component, count.action) for count in activity.counts}
    if missing := counted - prices.prices.keys():
        keys = sorted(f"{component}.{action}" for component, action in missing)
        lacking = {key: ENERGY_UNITS.get(key, "count") for key in keys}
        said, hint = missing_costs(prices.technology, lacking)
        raise MissingCostError((Problem(said, hint=hint),))
    lines = (*_dynamic_lines(activity, prices), *_static_lines(activity, prices, clock_hz))
    return Bill(lines=_exactly_summable(lines))


def _dynamic_lines(activity: Activity, prices: PriceList) -> Iterator[BillLine]:
    for what in sorted(activity.counts, key=_place):
        count = activity.counts[what]
        price = prices.prices[what.component, what.action]
        yield BillLine(
            component=what.component,
            action=what.action,
            layer=what.layer,
            stage=what.stage,
            count=count,
            unit_j=price.joules,
            energy_j=count * price.joules,
            status=price.status,
            source_id=price.source_id,
        )


def _place(what: Count) -> tuple[int, str, int, str]:
    return COMPONENT_ORDER.index(what.component), what.action, what.layer, what.stage


def _static_lines(activity: Activity, prices: PriceList, clock_hz: Rate) -> Iterator[BillLine]:
    for leak in prices.leaks:
        for count, share in _leaking(activity, leak):
            unit_j = leak.watts / clock_hz * share
            yield BillLine(
                component=DRAM_STANDBY if leak.block == DRAM_STANDBY else LEAKAGE,
                action=leak.block,
                layer=None,
                stage=STATIC,
                count=count,
                unit_j=unit_j,
                energy_j=count * unit_j,
                status=leak.status,
                source_id=leak.source_id,
                share=share,
            )


def _leaking(activity: Activity, leak: Leak) -> Iterator[tuple[int, float]]:
    """Cycles, and which share of the block's power passes in each of them."""
    gated = activity.gated_cycles.get(leak.gated_with, 0)
    if not gated:
        yield activity.makespan_cycles, 1.0
        return
    yield leak.units * activity.makespan_cycles - gated, 1 / leak.units
    yield gated, leak.retention / leak.units


def _exactly_summable(lines: tuple[BillLine, ...]) -> tuple[BillLine, ...]:
    """The lines with energies rounded so that they add up exactly; see Bill.

    total < 2^53 ulp(total) = 2^52 q; rounding adds at most q/2 per line, so sums stay below 2^53 q.
    """
    quantum = 2 * math.ulp(math.fsum(line.energy_j for line in lines))
    return tuple(replace(line, energy_j=round(line.energy_j / quantum) * quantum) for line in lines)
