"""What held a run up? The busiest unit, and what the arrays waited for.

Derived from how units spent the makespan, not from the critical path: a unit that is always busy is
the bottleneck; where none is, operations waited for one another. Who waits for a transfer also waits
for whatever that transfer waited for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcsim.machine.activity import Activity

SATURATED = 0.9
"""From this busy share on a unit is called the bottleneck."""


@dataclass(frozen=True)
class Bound:
    """``busiest`` is the name of the unit of kind ``kind`` with the largest ``busy_share``.

    The other shares are averages over the ``arrays`` arrays that had work: ``array_busy``,
    ``array_waits`` by the kind of unit waited for, largest first, and ``array_finished``, the time
    after an array's last task. They sum to one.
    """

    busiest: str
    kind: str
    tile: int
    busy_share: float
    arrays: int
    array_busy: float
    array_waits: Mapping[str, float]
    array_finished: float

    @property
    def saturated(self) -> bool:
        """Whether the busiest unit is busy nearly all the time."""
        return self.busy_share >= SATURATED


def bound_of(activity: Activity) -> Bound:
    """What held the run up that ``activity`` counted; it must have at least one unit."""
    makespan = max(activity.makespan_cycles, 1)
    # Of equally busy units the first by name: the answer must not depend on the order of units.
    busiest = min(activity.units, key=lambda unit: (-unit.busy_cycles, unit.name))
    arrays = [unit for unit in activity.units if unit.kind == "array" and unit.busy_cycles]
    time = max(len(arrays) * makespan, 1)
    waits: dict[str, int] = {}
    for unit in arrays:
        for reason, cycles in unit.stalled_cycles.items():
            waits[reason] = waits.get(reason, 0) + cycles
    ordered = sorted((-cycles, reason) for reason, cycles in waits.items() if cycles)
    return Bound(
        busiest=busiest.name,
        kind=busiest.kind,
        tile=busiest.tile,
        busy_share=busiest.busy_cycles / makespan,
        arrays=len(arrays),
        array_busy=sum(unit.busy_cycles for unit in arrays) / time,
        array_waits={reason: -cycles / time for cycles, reason in ordered},
        array_finished=sum(unit.finished_cycles for unit in arrays) / time,
    )
