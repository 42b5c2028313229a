"""A number with its origin and range, and what one may do with it: scale, add, interpolate.

Values are SI: joules, watts or square metres. Whatever is computed keeps its trail in ``note``, its
sources, and the status of its weakest part.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pcsim.units import exact_quantity, format_quantity

STATUSES = ("read", "derived", "assumed")
"""From strongest to weakest. ``user`` marks a number that the hardware file gives."""


def weakest(statuses: Iterable[str]) -> str:
    """The status of something computed from numbers of these statuses."""
    return max(statuses, key=STATUSES.index)


@dataclass(frozen=True)
class UnitCost:
    """``value`` in ``unit`` (J, W or m2) per one ``per``, believed to lie in ``low..high``.

    ``sources`` are keys into the table's sources.
    """

    value: float
    low: float
    high: float
    unit: str
    per: str
    status: str
    sources: tuple[str, ...]
    note: str

    @property
    def shown(self) -> str:
        """The value for people."""
        return format_quantity(self.value, self.unit, digits=4)

    def scaled(self, factor: float, *, per: str) -> UnitCost:
        """The same cost per another unit, ``factor`` of the old unit each."""
        return replace(
            self,
            value=self.value * factor,
            low=self.low * factor,
            high=self.high * factor,
            per=per,
            note=joined(self.note, f"{factor:g} x {self.shown} per {self.per}"),
        )


def joined(*notes: str) -> str:
    """Notes that are there, as one text."""
    return "; ".join(note.removesuffix(".") for note in notes if note)


def total(parts: Mapping[str, UnitCost]) -> UnitCost:
    """The sum of parts priced per the same unit; low and high add up, as if all erred together.

    Raises ValueError when the units differ.
    """
    costs = tuple(parts.values())
    units = list(dict.fromkeys(f"{cost.unit} per {cost.per}" for cost in costs))
    if len(units) != 1:
        raise ValueError(f"parts of a sum must share one unit, not {units}")
    return UnitCost(
        value=math.fsum(cost.value for cost in costs),
        low=math.fsum(cost.low for cost in costs),
        high=math.fsum(cost.high for cost in costs),
        unit=costs[0].unit,
        per=costs[0].per,
        status=weakest(cost.status for cost in costs),
        sources=tuple(dict.fromkeys(source for cost in costs for source in cost.sources)),
        note=" + ".join(f"{name} {cost.shown} ({cost.note})" for name, cost in parts.items()),
    )


@dataclass(frozen=True)
class Curve:
    """A cost known at several sizes: ``points`` are (size in ``measure``, cost), by rising size.

    Between two sizes value, low and high are interpolated linearly in log-log, a power law through
    the neighbours. Beyond the ends nothing is known: ``at`` then raises ValueError.
    """

    points: tuple[tuple[int, UnitCost], ...]
    measure: str = "B"
    """Of what: bytes of a memory ("B") or bits of a number ("bit")."""

    @property
    def smallest(self) -> int:
        return self.points[0][0]

    @property
    def largest(self) -> int:
        return self.points[-1][0]

    def shown(self, size: int) -> str:
        """A tabled size for people."""
        return exact_quantity(size, "B") if self.measure == "B" else f"{size} {self.measure}"

    def covers(self, size: float) -> bool:
        """Whether ``at`` knows the cost at ``size``."""
        return self.smallest <= size <= self.largest

    def at(self, size: float) -> UnitCost:
        """The cost at ``size``; the tabled cost itself where the table has that size."""
        if not self.covers(size):
            raise ValueError(f"{size} lies outside the table")
        above = bisect_left(self.points, size, key=lambda point: point[0])
        size_above, cost_above = self.points[above]
        if size_above == size:
            return cost_above
        size_below, cost_below = self.points[above - 1]
        ends = " and ".join(self.shown(edge) for edge in (size_below, size_above))
        share = math.log(size / size_below) / math.log(size_above / size_below)
        return replace(
            cost_below,
            value=_power_law(cost_below.value, cost_above.value, share),
            low=_power_law(cost_below.low, cost_above.low, share),
            high=_power_law(cost_below.high, cost_above.high, share),
            status=weakest((cost_below.status, cost_above.status, "derived")),
            note=joined(cost_below.note, f"interpolated between {ends}"),
        )


def _power_law(below: float, above: float, share: float) -> float:
    return below * math.exp(math.log(above / below) * share)
