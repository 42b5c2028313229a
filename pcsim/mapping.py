"""Which allocation of tiles suits a program best on a chip?

More tiles leave each of them less to do, and more to send. Where that turns is a question of time, so it is
simulated: every series of allocations from few tiles to many, until twice the tiles have not helped two times in a
row, and then what is like the best, as long as that becomes better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pcsim.config import Hardware
from pcsim.errors import DoesNotFitError
from pcsim.machine import Activity, simulate
from pcsim.placement import (
    Allocation,
    Group,
    Placement,
    Space,
    allocations,
    laid_out,
    near,
    place,
    space,
)
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
    trial = _Trial(program, hardware, measure or (lambda activity: activity.makespan_cycles))
    for each in series:
        trial.go_through(each)
    if trial.best is None:
        return _by(program, hardware, None)
    before = None
    while trial.best.allocation != before:
        before = trial.best.allocation
        for way in near(before, hardware):
            trial.go_through((way,))
    if hardware.tiles.placement == "search":
        return _by(program, hardware, trial.best.allocation)
    return trial.best


class _Trial:
    """Allocations that are compared. Its life: ``go_through`` one series after the other, then ``best`` is read."""

    def __init__(
        self, program: Program, hardware: Hardware, measure: Callable[[Activity], float]
    ) -> None:
        self.program, self.hardware, self.measure = program, hardware, measure
        self.best: Mapped | None = None
        self.lowest = float("inf")
        self.most = MOST_TASKS
        self.seen: set[tuple[Group, ...]] = set()

    def go_through(self, series: tuple[Allocation, ...]) -> None:
        """Simulate the allocations of a series until they become too large, or no longer better."""
        in_vain, before = 0, float("inf")
        for way, found in self._fitting(series):
            size = _tasks_about(found)
            if self.best is None:
                self.most = max(self.most, 2 * size)
            if size > self.most or in_vain == IN_VAIN:
                break
            placement = laid_out(
                found.program, self.hardware, found.groups, found.occupancy_bytes, found.windows
            )
            activity = simulate(placement, self.hardware)
            cost = self.measure(activity)
            in_vain = 0 if cost < before else in_vain + 1
            before = min(cost, before)
            if cost < self.lowest:
                self.best, self.lowest = Mapped(way, placement, activity), cost

    def _fitting(self, series: tuple[Allocation, ...]) -> Iterator[tuple[Allocation, Space]]:
        """Those that fit, each kind of groups once."""
        for way in series:
            try:
                found = space(self.program, self.hardware, allocation=way, explain=False)
            except DoesNotFitError:
                continue
            if found.groups not in self.seen:
                self.seen.add(found.groups)
                yield way, found


def _by(program: Program, hardware: Hardware, allocation: Allocation | None) -> Mapped:
    placement = place(program, hardware, allocation=allocation)
    way = allocation or Allocation("fewest", 1)
    return Mapped(way, placement, simulate(placement, hardware))


def _tasks_about(found: Space) -> int:
    """How many instances of tasks an update has: an operation is about one task on each tile of its part."""
    tiles = {group.layer: len(group.tiles) for group in found.groups}
    return sum(op.instances * tiles[op.layer] for op in found.program.ops)
