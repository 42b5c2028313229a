"""When did each operation run, on which unit and over which links?

The simulation writes down only when a unit worked on what, and only where it is asked to; the rest
follows from that and from the tasks' closed forms: which links a transfer held, when an operation
could have begun, when its result was there.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pcsim.config import Hardware
from pcsim.machine.activity import Activity
from pcsim.machine.core.state import FOUND
from pcsim.machine.lower import Lowered, lower
from pcsim.machine.units.pace import NEVER
from pcsim.placement import Link, Placement, Route, TaskKind, Tasks


class Span(NamedTuple):
    """A unit worked on this ``instance`` of ``task`` for some ``cycles`` from ``start`` on.

    A transfer has two, and so has the loading of weights: the set-up, then the sending of the flits, as
    soon as the network lets it. What lets others pass has one for every piece. Where rows are handed on one by
    one, a unit that waits for rows is at work meanwhile.
    """

    task: int
    instance: int
    start: int
    cycles: int
    first_row: int = NEVER
    """When the first row of its result was there, if anybody took rows of it."""

    @property
    def end(self) -> int:
        return self.start + self.cycles


class Wait(NamedTuple):
    """What an operation needs was there at ``ready``; its unit began it at ``start``."""

    task: int
    ready: int
    start: int


class Recorder:
    """What one simulation did, operation by operation.

    Its life: made empty, handed to one ``simulate``, which fills it; then read by ``recording_of``. ``spans``
    has a row (task, instance, start, cycles, first row) for all work of a unit, and one with the cycles `FOUND` where
    weights need not be loaded.
    """

    def __init__(self) -> None:
        self.spans = np.zeros((0, 5), np.int64)


@dataclass(frozen=True)
class Recording:
    """One simulated update, operation by operation; each unit's in the order in which it did them.

    ``there`` are the weights that need not be loaded, and when that was seen. ``unit_names`` are those of
    ``tasks.units``, ``router_cycles`` and ``link_cycles`` the latency of a router and of a
    wire from tile to tile.
    """

    tasks: Tasks
    lowered: Lowered
    unit_names: tuple[str, ...]
    router_cycles: int
    link_cycles: int
    makespan_cycles: int
    spans: tuple[Span, ...]
    there: tuple[Span, ...]

    def flits(self, span: Span) -> int:
        """The flits that this instance sends; 0 for what sends nothing."""
        own = self.lowered.flits_of.get(span.task)
        if own is None:
            return self.lowered.flits[span.task]
        return own[span.instance - int(self.tasks.first[span.task])]

    @cached_property
    def sent(self) -> frozenset[Span]:
        """The spans of transfers but for the first: when they held their links."""
        begun: set[tuple[int, int]] = set()
        found = set()
        for span in self.spans:
            if self.sends(span.task):
                key = span.task, span.instance
                if key in begun:
                    found.add(span)
                begun.add(key)
        return frozenset(found)

    @cached_property
    def last_spans(self) -> tuple[Span, ...]:
        """Of every operation that worked its last span, in the order in which they ended."""
        last = {(span.task, span.instance): span for span in self.spans}
        return tuple(last.values())

    def sends(self, task: int) -> bool:
        """Whether a task sends over the network."""
        return self.tasks.kind[task] in (TaskKind.TRANSFER, TaskKind.WEIGHTS)

    def links(self) -> Iterator[tuple[Link, Span]]:
        """Every link of the network that a transfer held, and when.

        As in `machine.network`: each from when the head gets there.
        """
        passed: dict[tuple[int, int], int] = {}
        for span in self.spans:
            if span in self.sent and self.flits(span):
                key = span.task, span.instance
                route = self.tasks.routes[int(self.tasks.route[span.task])]
                # The last span may go on while the sender waits for rows.
                cycles = min(span.cycles, self.flits(span) - passed.get(key, 0))
                passed[key] = passed.get(key, 0) + cycles
                for link, behind in zip(route.links, self.behind(route), strict=True):
                    yield link, span._replace(start=span.start + behind, cycles=cycles)

    def behind(self, route: Route) -> list[int]:
        """Per link of ``route`` the cycles that a head takes to it."""
        ways = zip(route.hops, route.wires, strict=True)
        return [hops * self.router_cycles + wire * self.link_cycles for hops, wire in ways]

    @cached_property
    def ends(self) -> dict[int, list[int]]:
        """Per task when its instances had ended, in order of time."""
        ends: dict[int, list[int]] = {}
        for span in self.last_spans:
            end = span.end
            if self.sends(span.task):
                # The tail arrives a flight after the start of sending; see `flight_cycles`.
                route = self.tasks.routes[int(self.tasks.route[span.task])]
                end += max(self.behind(route)) - (1 if self.flits(span) else 0)
            else:
                end += self.lowered.delay[span.task]
            insort(ends.setdefault(span.task, []), end)
        for span in self.there:
            insort(ends.setdefault(span.task, []), span.end)
        return ends

    @cached_property
    def first_rows(self) -> dict[int, list[int]]:
        """Per task that somebody takes rows of, when the first row of its instances was there, in order of time."""
        found: dict[int, list[int]] = {}
        for span in self.last_spans:
            if span.first_row != NEVER:
                insort(found.setdefault(span.task, []), span.first_row)
        for span in self.there:
            insort(found.setdefault(span.task, []), span.end)
        return found

    def needs(self, span: Span) -> Iterator[tuple[int, int, bool]]:
        """What an operation needed: a task, how often, and whether its first row was enough."""
        tasks = self.tasks
        for at in range(tasks.needs_start[span.task], tasks.needs_start[span.task + 1]):
            need = int(tasks.needs_task[at])
            count = span.instance + 1 - int(tasks.needs_back[at]) - int(tasks.first[need])
            count = min(count, len(self.ends.get(need, ())))
            if count > 0:
                yield need, count, self.lowered.after[at] != NEVER

    def ready(self, need: int, count: int, rows: bool) -> int:
        """When what an operation needed let it begin."""
        return (self.first_rows if rows else self.ends)[need][count - 1]

    def waits(self) -> Iterator[Wait]:
        """Every operation: since when it could have run, and when it began.

        Left out: the loading of weights, which waits for room.
        """
        kind = self.tasks.kind.tolist()
        seen: set[tuple[int, int]] = set()
        for span in self.spans:
            if (span.task, span.instance) in seen or kind[span.task] == TaskKind.WEIGHTS:
                continue
            seen.add((span.task, span.instance))
            ready = max((self.ready(*need) for need in self.needs(span)), default=0)
            yield Wait(span.task, ready, span.start)


def recording_of(
    placement: Placement, hardware: Hardware, activity: Activity, recorder: Recorder
) -> Recording:
    """What ``recorder`` wrote down while ``simulate`` returned ``activity``."""
    found = recorder.spans[:, 3] == FOUND
    return Recording(
        placement.tasks,
        lower(placement.tasks, hardware),
        tuple(unit.name for unit in activity.units),
        hardware.noc.router_latency_cycles,
        hardware.noc.link_latency_cycles,
        activity.makespan_cycles,
        _spans(recorder.spans[~found]),
        _spans(recorder.spans[found] * (1, 1, 1, 0, 1)),
    )


def _spans(rows: NDArray[np.int64]) -> tuple[Span, ...]:
    return tuple(map(Span._make, rows.tolist()))
