"""What did the chip do, cycle by cycle? One update as a trace for Perfetto (Chrome trace JSON, gzip).

One process for every tile and candidate with a track for each unit, one for the links; a slice for every
operation. A transfer has two: its set-up, then the sending, for which it may have waited. Counters: power,
what each kind of unit has in its queue, and how many of it are busy. 1 us of the trace is 1 cycle.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from pcsim.errors import InputError, Problem
from pcsim.machine import Recording
from pcsim.machine.recording import Span
from pcsim.placement import Link
from pcsim.report import power
from pcsim.verdict import Result, component_name

Event = dict[str, Any]
CHIP, LINKS, DRAM = "chip", "links", "DRAM"


class Window(NamedTuple):
    """The cycles [start, end) of an update; ``end`` is None for its end."""

    start: int = 0
    end: int | None = None

    def meets(self, start: int, end: int) -> bool:
        """Whether anything of [start, end) is in it; what takes no time is where it starts."""
        begins = self.end is None or start < self.end
        return begins and (end > self.start or start >= self.start)


def parse_window(text: str) -> Window:
    """``A:B``, two numbers of cycles; either may be left out.

    Raises:
        InputError: it is not that, or B is not above A.
    """
    start, colon, end = text.partition(":")
    digits = all(part.isascii() and part.isdigit() for part in (start, end) if part)
    window = Window(int(start or 0), int(end) if end else None) if colon and digits else None
    if window is None or (window.end is not None and window.end <= window.start):
        message = f"--trace-window must be A:B, cycles with A below B, not {text!r}"
        raise InputError((Problem(message, hint="for example 0:5000, or 20000: to the end"),))
    return window


def trace_of(results: Sequence[Result], window: Window | None = None) -> bytes:
    """The updates of ``results``, those that were recorded, as the bytes of trace.json.gz.

    A slice is there whole if any part of it is in ``window``.
    """
    events: list[Event] = []
    processes = 0
    for result in results:
        if result.recording is not None:
            update = _Update(result, result.recording, processes, window or Window())
            events += update.events()
            processes += len(update.processes)
    text = json.dumps(
        {"traceEvents": events, "displayTimeUnit": "ns"}, separators=(",", ":"), ensure_ascii=False
    )
    # Neither a time nor a name in the header: equal inputs, equal bytes.
    return gzip.compress(text.encode(), mtime=0)


class _Update:
    """The events of one candidate; ``base`` processes were named before."""

    def __init__(self, result: Result, recording: Recording, base: int, window: Window) -> None:
        self.result = result
        self.recording = recording
        self.tasks = recording.tasks
        self.base = base
        self.window = window
        self.processes: dict[str, int] = {}
        self.threads: dict[tuple[int, str], int] = {}
        self.named: list[Event] = []

    def events(self) -> list[Event]:
        self._process(CHIP)
        found = [*self._power(), *self._queues(), *self._occupancy()]
        tracks = [self._unit_track(unit) for unit in range(len(self.tasks.units))]
        units = self.tasks.unit.tolist()
        for span in self.recording.spans:
            if self._shown(span):
                found.append(self._slice(tracks[units[span.task]], span))
        for link, span in sorted(self.recording.links(), key=lambda held: held[1].start):
            if self._shown(span):
                found.append(self._slice(self._link_track(link), span))
        return self.named + found

    def _shown(self, span: Span) -> bool:
        return self.window.meets(span.start, span.end)

    # Tracks.

    def _process(self, name: str) -> int:
        if name not in self.processes:
            number = self.processes[name] = self.base + len(self.processes) + 1
            self._name("process_name", number, 0, name=f"{self.result.candidate.id}: {name}")
            self._name("process_sort_index", number, 0, sort_index=number)
        return self.processes[name]

    def _thread(self, process: str, name: str) -> tuple[int, int]:
        number = self._process(process)
        if (number, name) not in self.threads:
            thread = self.threads[number, name] = len(self.threads) + 1
            self._name("thread_name", number, thread, name=name)
            self._name("thread_sort_index", number, thread, sort_index=thread)
        return number, self.threads[number, name]

    def _name(self, kind: str, process: int, thread: int, **args: str | int) -> None:
        self.named.append(
            {"ph": "M", "name": kind, "pid": process, "tid": thread, "ts": 0, "args": args}
        )

    def _unit_track(self, unit: int) -> tuple[int, int]:
        name = self.recording.unit_names[unit]
        inside = self.tasks.units[unit].node < self.tasks.mesh.tiles
        return self._thread(name.partition(".")[0] if inside else DRAM, name)

    def _link_track(self, link: Link) -> tuple[int, int]:
        ends = f"{self._node(link.source)} > {self._node(link.target)}"
        names = {"hop": ends, "bus": "bus"}
        return self._thread(LINKS, names.get(link.kind, f"{link.kind} {ends}"))

    def _node(self, node: int) -> str:
        mesh = self.tasks.mesh
        if node >= mesh.tiles + mesh.channels:
            return f"switch[{node - mesh.tiles - mesh.channels}]"
        if node >= mesh.tiles:
            return f"dram[{node - mesh.tiles}]"
        row, column = divmod(node, mesh.columns)
        return f"[{row},{column}]"

    # Slices and counters.

    def _slice(self, track: tuple[int, int], span: Span) -> Event:
        task, tasks = span.task, self.tasks
        args = {"layer": int(tasks.layer[task])}
        if tasks.last[task] > 1:
            args["instance"] = span.instance
        return {
            "ph": "X",
            "name": tasks.names[task].partition("@")[0],
            "cat": tasks.stages[int(tasks.stage[task])],
            "pid": track[0],
            "tid": track[1],
            "ts": span.start,
            "dur": span.cycles,
            "args": args,
        }

    def _counter(
        self, name: str, series: str, values: Iterable[tuple[int, float]]
    ) -> Iterator[Event]:
        """A step at every time; what held before the window stands at its beginning. Perfetto calls the
        track "name series"."""
        before: tuple[int, float] | None = None
        inside = []
        for time, value in values:
            if time < self.window.start:
                before = self.window.start, value
            elif self.window.end is None or time < self.window.end:
                inside.append((time, value))
        if before is not None and (not inside or inside[0][0] > before[0]):
            inside.insert(0, before)
        process = self._process(CHIP)
        for time, value in inside:
            yield {
                "ph": "C",
                "name": name,
                "pid": process,
                "tid": 0,
                "ts": time,
                "args": {series: value},
            }

    def _power(self) -> Iterator[Event]:
        if not self.recording.makespan_cycles:
            return
        edges, watts = power.over_time(self.result, self.recording)
        for component, values in watts.items():
            last, steps = None, []
            for time, value in zip(edges.tolist(), (1e3 * values).tolist(), strict=False):
                shown = float(f"{value:.6g}")
                if shown != last:
                    steps.append((time, shown))
                last = shown
            steps.append((self.recording.makespan_cycles, 0.0))
            yield from self._counter("power", f"{component_name(component)} (mW)", steps)

    def _queues(self) -> Iterator[Event]:
        """How many operations of each kind of unit could run but have not begun."""
        kinds = [self.tasks.units[unit].kind for unit in self.tasks.unit.tolist()]
        waits = [(kinds[wait.task], wait.ready, wait.start) for wait in self.recording.waits()]
        for kind, steps in _depths(waits).items():
            yield from self._counter("queue depth", component_name(kind), steps)

    def _occupancy(self) -> Iterator[Event]:
        """How many units of each kind, and how many links, are busy."""
        kinds = [self.tasks.units[unit].kind for unit in self.tasks.unit.tolist()]
        busy = [(kinds[span.task], span.start, span.end) for span in self.recording.spans]
        for kind, steps in _depths(busy).items():
            yield from self._counter("busy", component_name(kind), steps)
        held = [("", span.start, span.end) for _, span in self.recording.links()]
        for steps in _depths(held).values():
            yield from self._counter("busy", "links", steps)


def _depths(intervals: Iterable[tuple[str, int, int]]) -> dict[str, list[tuple[int, int]]]:
    """Per kind, how many of its intervals [start, end) hold, as (time, number) at every change."""
    changes: dict[str, list[tuple[int, int]]] = {}
    for kind, start, end in intervals:
        if end > start:
            changes.setdefault(kind, []).extend(((start, 1), (end, -1)))
    depths = {}
    for kind in sorted(changes):
        times, change = np.array(changes[kind]).T
        moments, place = np.unique(times, return_inverse=True)
        level = np.cumsum(np.bincount(place, weights=change)).astype(int)
        depths[kind] = list(zip(moments.tolist(), level.tolist(), strict=True))
    return depths
