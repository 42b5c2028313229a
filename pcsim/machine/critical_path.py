"""Which chain of operations made an update as long as it is, and what did each cycle of it go to?

An example. The last operation of an update ends at cycle 900. It began at 700, when a transfer had brought what
it needed; that transfer sent from 650 to 700 and before that waited from 600 on for a link; and so on down to
cycle 0. Every cycle is charged to exactly one cause: 200 to arrays, 50 to links for sending, 50 to links
for waiting. So the charges add up to the makespan.

Where rows are handed on one by one, an operation begins with the first row of what it needs and goes on for some cycles
after the last. These cycles are charged to it, and the walk goes on where the last row came from, or the first.

The walk goes backward from the end. An operation that began when its last need arrived is preceded by that
need; one that began when its unit became free is preceded by what the unit did before. Where both hold, the
need is followed. A gap before an operation that neither explains is charged to "room": weights that waited for
space in a tile, or a unit that had to wake.

Left out: of several chains of equal length one is followed. So a cause that is charged little may still be
missed by nobody; what a change would bring, only a simulation with it tells (levers).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pcsim.machine.recording import Recording, Span
from pcsim.placement import TaskKind

LINK, FLIGHT, ROOM = "link", "flight", "room"
"""Causes that are no kind of unit: a link sent, or was taken by others; a head or tail was under way; weights
waited for room, or a unit for its supply."""


class _Done(NamedTuple):
    """One operation: its ``spans`` in order, when its result was there, and its place on its unit."""

    task: int
    instance: int
    spans: tuple[Span, ...]
    end: int
    before: int | None
    """Which operation the unit did before, by its place in the list of all."""


def critical_path(recording: Recording) -> Mapping[str, int]:
    """Cycles of the makespan by cause, the largest first.

    Causes are kinds of units (array, vector, update, dma, dram, buffer), ``LINK``, ``FLIGHT`` and ``ROOM``.
    """
    done = _operations(recording)
    if not done:
        return {ROOM: recording.makespan_cycles} if recording.makespan_cycles else {}
    by_task: dict[int, list[int]] = {}
    for index in sorted(range(len(done)), key=lambda i: (done[i].end, i)):
        by_task.setdefault(done[index].task, []).append(index)
    charged: dict[str, int] = {}

    def charge(cause: str, cycles: int) -> None:
        if cycles > 0:
            charged[cause] = charged.get(cause, 0) + cycles

    at = max(range(len(done)), key=lambda i: (done[i].end, -i))
    now = recording.makespan_cycles
    charge(ROOM, now - done[at].end)
    now = min(now, done[at].end)
    following: int | None = at
    while following is not None and now > 0:
        operation = done[following]
        slower = _last_row(recording, done, by_task, operation) if now >= operation.end else None
        if slower is not None:
            charge(_kind(recording, operation), now - done[slower].end)
            now, following = done[slower].end, slower
            continue
        for cause, begin in _pieces(recording, operation):
            charge(cause, now - begin)
            now = min(now, begin)
        need, ready = _last_need(recording, by_task, operation)
        free = made_ready = 0
        if operation.before is not None:
            free = done[operation.before].spans[-1].end
            made_ready = recording.lowered.hold[done[operation.before].task]
        if need is not None and (ready >= now or ready >= free + made_ready):
            charge(ROOM, now - ready)
            now, following = min(now, ready), need
        elif operation.before is not None and free > 0:
            charge(_kind(recording, operation), min(made_ready, now - free))
            charge(ROOM, now - free - made_ready)
            now, following = min(now, free), operation.before
        else:
            following = None
    charge(ROOM, now)
    return dict(sorted(charged.items(), key=lambda pair: (-pair[1], pair[0])))


def _operations(recording: Recording) -> list[_Done]:
    """All operations with their ends, in the order in which they began."""
    tasks, sends = recording.tasks, (TaskKind.TRANSFER, TaskKind.WEIGHTS)
    parts: dict[tuple[int, int], list[Span]] = {}
    for span in recording.spans:
        parts.setdefault((span.task, span.instance), []).append(span)
    for span in recording.there:
        parts.setdefault((span.task, span.instance), []).append(span)
    found: list[_Done] = []
    last_on: dict[int, int] = {}
    there = frozenset(recording.there)
    for (task, instance), spans in sorted(
        parts.items(), key=lambda item: (item[1][0].start, item[1][-1].end, item[0])
    ):
        spans.sort(key=lambda span: span.start)
        end = spans[-1].end
        if int(tasks.kind[task]) in sends:
            end += 0 if spans[-1] in there else _flight(recording, spans[-1])
        else:
            end += recording.lowered.delay[task]
        unit = int(tasks.unit[task])
        found.append(_Done(task, instance, tuple(spans), end, last_on.get(unit)))
        last_on[unit] = len(found) - 1
    return found


def _flight(recording: Recording, span: Span) -> int:
    """Cycles from the end of sending until the tail is at the last destination."""
    route = recording.tasks.routes[int(recording.tasks.route[span.task])]
    return max(0, max(recording.behind(route)) - (1 if recording.flits(span) else 0))


def _pieces(recording: Recording, operation: _Done) -> list[tuple[str, int]]:
    """What the operation did from its end backward: a cause, and the cycle at which it began."""
    kind = _kind(recording, operation)
    first, last = operation.spans[0], operation.spans[-1]
    if len(operation.spans) == 1:
        return [(kind, first.start)]
    # Set-up, waiting for links to be free, sending, and the tail's flight.
    return [(FLIGHT, last.end), (LINK, first.end), (kind, first.start)]


def _kind(recording: Recording, operation: _Done) -> str:
    return recording.tasks.units[int(recording.tasks.unit[operation.task])].kind


def _last_row(
    recording: Recording, done: list[_Done], by_task: dict[int, list[int]], operation: _Done
) -> int | None:
    """The operation among its needs whose last row made it go on for longer than its own work; None if none did."""
    span = operation.spans[-1]
    flits = recording.flits(span)
    if span.end <= span.start + (flits or recording.lowered.busy[span.task]):
        return None
    taken = [by_task[need][count - 1] for need, count, rows in recording.needs(span) if rows]
    return max(taken, key=lambda index: (done[index].end, -index), default=None)


def _last_need(
    recording: Recording, by_task: dict[int, list[int]], operation: _Done
) -> tuple[int | None, int]:
    """The operation among its needs that let it begin last, and when; None where it has none."""
    latest, when = None, 0
    for need in recording.needs(operation.spans[0]):
        ready = recording.ready(*need)
        if latest is None or ready > when:
            latest, when = by_task[need[0]][need[1] - 1], ready
    return latest, when
