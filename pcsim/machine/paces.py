"""At which pace does each task of a placement hand over its rows? What units can do, and what comes to them.

Rows that come in bursts leave in bursts, and no row leaves more often than rows come. So paces are found from task to
task, until none changes any more. How slowly bursts follow one another is looked at once, in the order of tasks:
arrays choose their order of folds by that, and what they choose changes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pcsim.config import Hardware, Value
from pcsim.machine.units.lanes import lane_pace
from pcsim.machine.units.pace import NEVER, Incoming, Pace, evenly, over_links, whole
from pcsim.machine.units.work import Work
from pcsim.placement import SETUP, TaskKind, Tasks
from pcsim.program import Operands

CHUNK_BYTES = 1024
"""What passes from a channel to the network at once: a page of DRAM on one chip of a channel; assumed."""


class Loading(NamedTuple):
    """Weights that are loaded chunk by chunk. Cycles from when their channel begins: ``lead`` until the first chunk may
    be sent, ``came`` until the first piece that is used by itself has passed. Flits: ``piece`` of that one, ``tail``
    of a chunk."""

    lead: int
    came: int
    piece: int
    tail: int


class Handed(NamedTuple):
    """What a simulation needs to know of rows: the pace of every task, and of each need the cycles for which the one
    that waits goes on after the end of what it needs (`NEVER`: it does not begin before that)."""

    paces: list[Pace]
    after: list[int]
    loads: Mapping[int, Loading]


class AsBlock(NamedTuple):
    """What a task is as a whole: its work, the delay of its result, and its flits."""

    work: Work
    delay: int
    flits: int


def handed(
    tasks: Tasks, hardware: Hardware, blocks: Sequence[AsBlock], which: Sequence[int]
) -> Handed:
    """``which`` of ``blocks`` each task is; tasks of one block differ in nothing but what they need."""
    pairs, known = _pairs(tasks), _known(tasks)
    takes = tasks.takes.tolist()
    adders = [tasks.units[at].kind == "adder" for at in tasks.unit.tolist()]
    found: dict[tuple[int, bool, bool, Incoming], Pace] = {}
    bursts, opening, interval = [1] * len(tasks), [0] * len(tasks), [0] * len(tasks)
    periods: list[int] = [0] * len(tasks)
    slices: dict[int, int] = {}
    paces: list[Pace] = [whole(0)] * len(tasks)
    changed = True
    while changed:
        changed = False
        for task, takers in enumerate(pairs):
            if task not in slices:
                slices[task] = max((periods[needed] for needed, _ in takers), default=0)
            coming = Incoming(
                takes[task],
                max((bursts[needed] for needed, _ in takers), default=1),
                slices[task],
                max((opening[needed] for needed, _ in takers), default=0),
                max((interval[needed] for needed, _ in takers), default=0),
            )
            question = which[task], adders[task], known[task], coming
            if question not in found:
                found[question] = _pace(tasks, hardware, task, blocks[which[task]], *question[1:])
            pace = paces[task] = found[question]
            periods[task] = pace.period
            new = pace.bursts, pace.opening, pace.interval
            if new != (bursts[task], opening[task], interval[task]):
                bursts[task], opening[task], interval[task] = new
                changed = True
    after = [NEVER] * len(tasks.needs_task)
    for task, takers in enumerate(pairs):
        for needed, at in takers:
            after[at] = paces[task].after(takes[task], paces[needed].interval)
    pieces_of = dict.fromkeys(tasks.users, 1)
    for load, user in tasks.users.items():
        if tasks.kind[user] == TaskKind.PRODUCT:
            pieces = _pieces(blocks[which[user]].work, int(tasks.repeat[user]))
            pieces_of[load] = pieces
            for at in range(tasks.needs_start[user], tasks.needs_start[user + 1]):
                if tasks.needs_task[at] == load:
                    after[at] = -(-paces[user].busy // pieces)
    loads = {
        load: _loading(blocks[which[load]], int(tasks.size_bytes[load]), pieces)
        for load, pieces in pieces_of.items()
    }
    return Handed(paces, after, loads)


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


def _pieces(work: Work, repeat: int) -> int:
    """In how many pieces the weights of a product are used one after the other."""
    return repeat * work.folds.inner * work.folds.outer if work.folds else 1


def _loading(block: AsBlock, size_bytes: int, pieces: int) -> Loading:
    """Weights that come over a channel and the network, and are used in so many pieces."""
    chunks = max(1, -(-size_bytes // CHUNK_BYTES))
    tail = -(-block.flits // chunks)
    return Loading(
        -(-block.work.cycles // chunks) + block.delay,
        -(-block.work.cycles // pieces) + block.delay + tail,
        -(-block.flits // pieces),
        tail,
    )


def _pace(
    tasks: Tasks,
    hardware: Hardware,
    task: int,
    block: AsBlock,
    adder: bool,
    known: bool,
    coming: Incoming,
) -> Pace:
    tiles, kind = hardware.tiles, tasks.kind[task]
    if kind == TaskKind.PRODUCT:
        operands = tasks.products[tasks.operands[task]]
        return _product(block.work, operands, int(tasks.repeat[task]), coming, known=known)
    if kind in (TaskKind.ELEMENTWISE, TaskKind.UPDATE):
        unit = tiles.vector if kind == TaskKind.ELEMENTWISE else tiles.update
        own = tiles.adder if adder else None
        return lane_pace(
            int(tasks.elements[task]),
            tasks.kernels[tasks.kernel[task]],
            coming,
            lanes=own.lanes if own else unit.lanes,
            latency=0 if own else unit.latency_cycles,
            more=block.work.more,
            tiles=tiles,
        )
    if kind == TaskKind.TRANSFER:
        size, link = int(tasks.size_bytes[task]), hardware.noc.link_bytes_per_cycle
        return over_links(size, coming, link=link)
    return evenly(block.work.cycles, coming, latency=block.delay)


def _product(work: Work, operands: Operands, repeat: int, coming: Incoming, *, known: bool) -> Pace:
    by_weights = operands.stationary is Value.WEIGHT
    over_samples = operands.streamed is Value.ERROR and operands.result is Value.ACCUMULATE
    if work.folds is not None and by_weights:
        return work.folds.by_samples(coming, repeat=repeat, known=known)
    if work.folds is not None and over_samples:
        return work.folds.by_outputs(repeat=repeat)
    if work.folds is not None:
        return work.folds.by_products(coming, repeat=repeat)
    if over_samples:
        return whole(work.cycles)
    rows = coming.rows if work.groups is None else min(work.groups, coming.rows)
    return evenly(work.cycles, coming._replace(rows=rows))
