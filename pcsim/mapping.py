"""Which allocation of tiles suits a program best on a chip?

More tiles leave each of them less to do, and more to send. Where that turns is a question of time, so it is
simulated: every series of allocations from few tiles to many, until twice the tiles have not helped two times in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pcsim.config import Hardware
from pcsim.errors import DoesNotFitError
from pcsim.machine import Activity, simulate
from pcsim.placement import Allocation, Placement, Space, allocations, laid_out, place, space
from pcsim.program import Program

MOST_TASKS = 20_000
"""Instances of tasks, about, of one update that is simulated only to be compared, unless the fewest tiles take half of
that: some tenths of a second."""

IN_VAIN = 2
"""A series ends where it has not become better so many times in a row."""


@dataclass(frozen=True)
class Mapped:
    """A program on the tiles of ``allocation``, and what the chip did in the steady state."""

    allocation: Allocation
    placement: Placement
    activity: Activity


def mapped(
    program: Program,
    hardware: Hardware,
    *,
    spread: int = 1,
    allocation: Allocation | None = None,
    measure: Callable[[Activity], float] | None = None,
) -> Mapped:
    """``program`` by ``allocation``, or by that one among all on offer whose update has the least ``measure``, which
    is its cycles unless given.

    Raises:
        DoesNotFitError: none fits; says what would.
    """
    if allocation is not None:
        return _by(program, hardware, allocation)
    series = allocations(hardware, spread=spread)
    if len(series) == 1 and len(series[0]) == 1:
        return _by(program, hardware, series[0][0])
    best: Mapped | None = None
    lowest = float("inf")
    most = MOST_TASKS
    for each in series:
        in_vain, before = 0, float("inf")
        for way, found in _fitting(program, hardware, each):
            size = _tasks_about(found)
            if best is None:
                most = max(most, 2 * size)
            if size > most or in_vain == IN_VAIN:
                break
            placement = laid_out(
                found.program, hardware, found.groups, found.occupancy_bytes, found.windows
            )
            activity = simulate(placement, hardware)
            cost = measure(activity) if measure else activity.makespan_cycles
            in_vain = 0 if cost < before else in_vain + 1
            before = min(cost, before)
            if cost < lowest:
                best, lowest = Mapped(way, placement, activity), cost
    if best is None:
        return _by(program, hardware, None)
    if hardware.tiles.placement == "search":
        return _by(program, hardware, best.allocation)
    return best


def _by(program: Program, hardware: Hardware, allocation: Allocation | None) -> Mapped:
    placement = place(program, hardware, allocation=allocation)
    way = allocation or Allocation("fewest", 1)
    return Mapped(way, placement, simulate(placement, hardware))


def _fitting(
    program: Program, hardware: Hardware, series: tuple[Allocation, ...]
) -> Iterator[tuple[Allocation, Space]]:
    """Those that fit, each kind of groups once."""
    seen = set()
    for way in series:
        try:
            found = space(program, hardware, allocation=way, explain=False)
        except DoesNotFitError:
            continue
        if found.groups not in seen:
            seen.add(found.groups)
            yield way, found


def _tasks_about(found: Space) -> int:
    """How many instances of tasks an update has: an operation is about one task on each tile of its part."""
    tiles = {group.layer: len(group.tiles) for group in found.groups}
    return sum(op.instances * tiles[op.layer] for op in found.program.ops)
