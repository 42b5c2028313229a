"""At which pace does each task of a placement hand over its rows? What units can do, and what comes to them.

Rows that come in bursts leave in bursts, and no row leaves more often than rows come. So paces are found from task to
task, until none changes any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pcsim.config import Hardware, Value
from pcsim.machine.units.lanes import lane_pace
from pcsim.machine.units.pace import NEVER, Incoming, Pace, evenly, over_links, whole
from pcsim.machine.units.work import Work
from pcsim.placement import SETUP, TaskKind, Tasks
from pcsim.program import Operands


class Handed(NamedTuple):
    """What a simulation needs to know of rows: the pace of every task, and of each need the cycles for which the one
    that waits goes on after the end of what it needs (`NEVER`: it does not begin before that)."""

    paces: list[Pace]
    after: list[int]


class _Task(NamedTuple):
    work: Work
    delay: int
    flits: int
    repeat: int
    elements: int
    size_bytes: int
    kernel: int
    kind: int
    operands: Operands | None
    unit: str


def handed(tasks: Tasks, hardware: Hardware, works: Sequence[tuple[Work, int, int]]) -> Handed:
    """``works``: of each task its work, the delay of its result and its flits, as a block."""
    rows = _rows(tasks, works)
    pairs = _pairs(tasks)
    known = _known(tasks)
    takes = tasks.takes.tolist()
    found: dict[tuple[_Task, Incoming, bool], Pace] = {}
    bursts, interval = [1] * len(tasks), [0] * len(tasks)
    paces: list[Pace] = [whole(0)] * len(tasks)
    changed = True
    while changed:
        changed = False
        for task, row in enumerate(rows):
            of = [needed for needed, _ in pairs[task]]
            coming = Incoming(
                takes[task],
                max((bursts[needed] for needed in of), default=1),
                max((interval[needed] for needed in of), default=0),
            )
            question = row, coming, known[task]
            if question not in found:
                found[question] = _pace(tasks, hardware, *question)
            pace = paces[task] = found[question]
            if (pace.bursts, pace.interval) != (bursts[task], interval[task]):
                bursts[task], interval[task] = pace.bursts, pace.interval
                changed = True
    after = [NEVER] * len(tasks.needs_task)
    for task, takers in enumerate(pairs):
        for needed, at in takers:
            after[at] = paces[task].after(takes[task], paces[needed].interval)
    for load, user in tasks.users.items():
        for at in range(tasks.needs_start[user], tasks.needs_start[user + 1]):
            if tasks.needs_task[at] == load and tasks.kind[user] == TaskKind.PRODUCT:
                after[at] = -(-paces[user].busy // _folds(rows[user]))
                paces[load] = _loading(works[load], _folds(rows[user]))
    return Handed(paces, after)


def _rows(tasks: Tasks, works: Sequence[tuple[Work, int, int]]) -> list[_Task]:
    operands = [None if at < 0 else tasks.products[at] for at in tasks.operands.tolist()]
    units = [tasks.units[at].kind for at in tasks.unit.tolist()]
    columns = (tasks.repeat, tasks.elements, tasks.size_bytes, tasks.kernel, tasks.kind)
    listed = zip(*(column.tolist() for column in columns), strict=True)
    return [
        _Task(work, delay, flits, *sizes, of, unit)
        for (work, delay, flits), sizes, of, unit in zip(works, listed, operands, units, strict=True)
    ]


def _pairs(tasks: Tasks) -> list[list[tuple[int, int]]]:
    """Of each task what it takes rows of, and the place of the need. One unit's tasks do not overlap."""
    pairs: list[list[tuple[int, int]]] = [[] for _ in range(len(tasks))]
    apart = tasks.unit[tasks.waiting] != tasks.unit[tasks.needs_task]
    for at in np.flatnonzero(tasks.by_rows & apart).tolist():
        pairs[tasks.waiting[at]].append((int(tasks.needs_task[at]), at))
    return pairs


def _known(tasks: Tasks) -> list[bool]:
    """Of each task whether the weights that it multiplies by are there long before it, so that they can be loaded
    while it waits: it needs neither an update nor a load nor new weights of another tile."""
    kind, needed = tasks.kind, tasks.needs_task
    brings = (kind == TaskKind.UPDATE) | (kind == TaskKind.WEIGHTS)
    brings |= (kind == TaskKind.TRANSFER) & (tasks.gives == 0) & (tasks.phase != SETUP)
    known = np.ones(len(tasks), bool)
    known[tasks.waiting[brings[needed]]] = False
    return known.tolist()


def _folds(row: _Task) -> int:
    """In how many pieces the weights of a product are used one after the other."""
    folds = row.work.folds
    return row.repeat * folds.inner * folds.outer if folds else 1


def _loading(work: tuple[Work, int, int], pieces: int) -> Pace:
    """Weights that come piece by piece over a channel and the network."""
    busy, delay, flits = work[0].cycles, work[1], work[2]
    each = -(-flits // pieces)
    return Pace(busy, -(-busy // pieces) + delay, each, each, delay)


def _pace(tasks: Tasks, hardware: Hardware, row: _Task, coming: Incoming, known: bool) -> Pace:
    tiles = hardware.tiles
    if row.kind == TaskKind.PRODUCT:
        return _product(row, coming, known=known)
    if row.kind in (TaskKind.ELEMENTWISE, TaskKind.UPDATE):
        vector = tiles.vector if row.kind == TaskKind.ELEMENTWISE else tiles.update
        adders = tiles.adder if row.unit == "adder" else None
        return lane_pace(
            row.elements,
            tasks.kernels[row.kernel],
            coming,
            lanes=adders.lanes if adders else vector.lanes,
            latency=0 if adders else vector.latency_cycles,
            more=row.work.more,
            tiles=tiles,
        )
    if row.kind == TaskKind.TRANSFER:
        return over_links(row.size_bytes, coming, link=hardware.noc.link_bytes_per_cycle)
    if row.kind == TaskKind.WEIGHTS:
        return _loading((row.work, row.delay, row.flits), 1)
    return evenly(row.work.cycles, coming, latency=row.delay)


def _product(row: _Task, coming: Incoming, *, known: bool) -> Pace:
    assert row.operands is not None
    folds, busy = row.work.folds, row.work.cycles
    streamed, stationary, _ = row.operands
    by_weights = stationary is Value.WEIGHT
    over_samples = streamed is Value.ERROR and row.operands.result is Value.ACCUMULATE
    if folds is not None and by_weights:
        return folds.by_samples(coming, repeat=row.repeat, known=known)
    if folds is not None and over_samples:
        return folds.by_outputs(repeat=row.repeat)
    if folds is not None:
        return folds.by_products(coming, repeat=row.repeat)
    if by_weights or not over_samples:
        groups = row.work.groups
        return evenly(
            busy, coming if groups is None else coming._replace(rows=min(groups, coming.rows))
        )
    return whole(busy)
