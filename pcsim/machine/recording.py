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
from pcsim.placement import Link, Placement, Route, TaskKind, Tasks


class Span(NamedTuple):
    """A unit worked on this ``instance`` of ``task`` for some ``cycles`` from ``start`` on.

    A transfer has two, and so has the loading of weights: the set-up, then the sending of the flits, as
    soon as the network lets it.
    """

    task: int
    instance: int
    start: int
    cycles: int

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
    has a row (task, instance, start, cycles) for all work of a unit, and one with the cycles `FOUND` where
    weights need not be loaded.
    """

    def __init__(self) -> None:
        self.spans = np.zeros((0, 4), np.int64)


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
        """The second spans of transfers: when they held their links; without those of no flits."""
        begun: set[tuple[int, int]] = set()
        found = set()
        for span in self.spans:
            if self.flits(span):
                key = span.task, span.instance
                if key in begun:
                    found.add(span)
                begun.add(key)
        return frozenset(found)

    def links(self) -> Iterator[tuple[Link, Span]]:
        """Every link of the network that a transfer held, and when.

        As in `machine.network`: each from when the head gets there.
        """
        for span in self.spans:
            if span in self.sent:
                route = self.tasks.routes[int(self.tasks.route[span.task])]
                for link, behind in zip(route.links, self.behind(route), strict=True):
                    yield link, span._replace(start=span.start + behind)

    def behind(self, route: Route) -> list[int]:
        """Per link of ``route`` the cycles that a head takes to it."""
        ways = zip(route.hops, route.wires, strict=True)
        return [hops * self.router_cycles + wire * self.link_cycles for hops, wire in ways]

    @cached_property
    def _ends(self) -> dict[int, list[int]]:
        """Per task when its instances had ended, in order of time."""
        ends: dict[int, list[int]] = {}
        sends = (TaskKind.TRANSFER, TaskKind.WEIGHTS)
        for span in self.spans:
            flits = self.flits(span)
            if flits and span not in self.sent:
                continue
            end = span.end
            if self.tasks.kind[span.task] in sends:
                # The tail arrives a flight after the start of sending; see `Interconnect.flight_cycles`.
                route = self.tasks.routes[int(self.tasks.route[span.task])]
                end += max(self.behind(route)) - (1 if flits else 0)
            else:
                end += self.lowered.delay[span.task]
            insort(ends.setdefault(span.task, []), end)
        for span in self.there:
            insort(ends.setdefault(span.task, []), span.end)
        return ends

    def waits(self) -> Iterator[Wait]:
        """Every operation: since when it could have run, and when it began.

        Left out: the loading of weights, which waits for room.
        """
        tasks, ends = self.tasks, self._ends
        starts, needed, back = (
            numbers.tolist() for numbers in (tasks.needs_start, tasks.needs_task, tasks.needs_back)
        )
        first, kind = tasks.first.tolist(), tasks.kind.tolist()
        seen: set[tuple[int, int]] = set()
        for task, instance, start, _ in self.spans:
            if (task, instance) in seen or kind[task] == TaskKind.WEIGHTS:
                continue
            seen.add((task, instance))
            ready = 0
            for at in range(starts[task], starts[task + 1]):
                need = needed[at]
                ended = ends.get(need, [])
                count = min(instance + 1 - back[at] - first[need], len(ended))
                if count > 0:
                    ready = max(ready, ended[count - 1])
            yield Wait(task, ready, start)


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
        _spans(recorder.spans[found] * (1, 1, 1, 0)),
    )


def _spans(rows: NDArray[np.int64]) -> tuple[Span, ...]:
    return tuple(map(Span._make, rows.tolist()))
