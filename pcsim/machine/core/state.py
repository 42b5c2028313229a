"""What does a simulated chip know at any moment? Records of integers, one row per task, unit, need and so on.

None of them grows with the number of inference steps or micro-batches, but for the spans that a
recording asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pcsim.config import Hardware
from pcsim.machine.core.network import Interconnect, network_of
from pcsim.machine.core.records import NONE, Records, columns
from pcsim.machine.lower import Lowered, comes_from_buffer
from pcsim.placement import SETUP, Link, Route, TaskKind, Tasks, Topology
from pcsim.program import Turn

STALLS = ("array", "buffer", "dram", "noc", "update", "vector", "wake")
"""What a unit waits for."""

NOC, ARRAY, WAKE = STALLS.index("noc"), STALLS.index("array"), STALLS.index("wake")

WAIT_KIND: dict[TaskKind, str] = {
    TaskKind.PRODUCT: "array",
    TaskKind.ELEMENTWISE: "vector",
    TaskKind.UPDATE: "update",
    TaskKind.TRANSFER: "noc",
    TaskKind.DRAM_READ: "dram",
    TaskKind.DRAM_WRITE: "dram",
    TaskKind.WEIGHTS: "dram",
    TaskKind.BUFFER_READ: "buffer",
    TaskKind.BUFFER_WRITE: "buffer",
}
"""What a unit is said to wait for when it waits for the end of such a task; for weights, where they live."""

WORK, TRANSFER, WEIGHTS, AT_HOME = range(4)
"""How a task takes its course: its unit works on it; it crosses the network; it looks for weights; or it needs the
channel of a memory that others may need, as weights live there."""

COURSE: dict[TaskKind, int] = {
    TaskKind.PRODUCT: WORK,
    TaskKind.ELEMENTWISE: WORK,
    TaskKind.UPDATE: WORK,
    TaskKind.TRANSFER: TRANSFER,
    TaskKind.DRAM_READ: AT_HOME,
    TaskKind.DRAM_WRITE: AT_HOME,
    TaskKind.WEIGHTS: WEIGHTS,
    TaskKind.BUFFER_READ: AT_HOME,
    TaskKind.BUFFER_WRITE: AT_HOME,
}

TASK = columns(
    # What the task is.
    "course", "phase", "first", "last", "left_out", "wait_kind", "busy", "delay", "flits", "own_flits",
    "way", "rank",
    # Whether it lets others pass, where rows are handed on.
    "yields",
    # Rows: cycles until the first (NONE: nobody waits for it); until that from the last taken, and from the first
    # taken, and from the first taken until the end of the work, at least (NONE: it does not matter); from the end of
    # the work until the unit is free for a task that does not get ready in its own time, and the cycles of that.
    "head", "late", "spread", "slow", "hold", "load",
    # Of course WEIGHTS, as for `Loading`.
    "lead", "came", "piece", "tail",
    # Its needs: from ``needs`` on those that move with the instance, from ``fixed`` on those for the first one only.
    "needs", "fixed", "needs_end",
    # In a queue of tasks, which stands at this place; its turn; the next instance, and what that one's turn is
    # compared by.
    "queued", "stride", "offset", "window", "shift", "group", "next", "in_window", "in_turn", "tie",
    # How often it has ended, and who waits for that; how often its first row was there, when last, and who waits
    # for that.
    "ended", "waiting", "flowed", "flowed_at", "watching",
    # Where weights stream: the way that is the channel, or the buffer, they live on; of course WEIGHTS the bytes,
    # where the layer sits in the window, the task that uses it, and how often it was loaded.
    "home", "size_bytes", "seat", "user", "loads",
)  # fmt: skip
"""``flits`` is what each instance sends, unless ``own_flits`` says where in ``Chip.flits`` they stand one by one."""

NEED = columns("task", "base", "most", "after")
"""Instance i waits until ``task`` has ended min(i + base, most) times; unless ``after`` is NONE only until its first
row has been there as often, and works on for so many cycles after the end."""

UNIT = np.dtype([*columns(
    # Its queue: where its heap among those of tasks begins, and how many it holds still.
    "queue", "left",
    # Its current task, and how many of its needs are not met; ``slots`` is where it waits for them.
    "task", "instance", "missing", "slots", "stage", "asked",
    # When it is free for its task, or was after its last, but for the cycles in which it makes ready; which need was
    # met last, and when.
    "free_at", "held", "last_need", "last_met",
    # Its work: since when, for how long if nothing makes it longer, until when as far as is known; when its first row
    # is there (NONE: nobody waits for it); what has still to pass of something that lets others pass.
    "began", "work", "ends", "flows", "shown", "left_to_pass",
    # Power gating: idle cycles until it is cut from its supply (NONE: never), cycles to wake, cycles cut so far.
    "gate_after", "gate_wake", "gated",
    "busy", "window",
    # In a list of units, the ring of those that do at this instant what their stage says.
    "to_do",
).descr, ("stalled", "i8", (len(STALLS),))])  # fmt: skip
"""``stalled`` counts cycles by what the unit waited for, `STALLS`."""

SLOT = columns("count", "unit", "next", "after")
"""``unit`` waits until a task has ended ``count`` times, or its first row has been there so often; ``next`` waits for
the same. Unless ``after`` is NONE the unit is at work meanwhile, as for `NEED`."""

WINDOW = columns("room_bytes", "first", "last")
"""Of one tile whose weights stream: the bytes free, and its seats [first, last)."""

SEAT = columns("size_bytes", "used", "user", "count", "pushed_out")
"""A layer's place in a window: its bytes there (0: not there), when it was used last; the task that used it, and
how often that has ended then. The column ``pushed_out`` is a list of seats by itself."""

SCALAR = columns("now", "first_to_do", "to_do", "emitted", "uses", "setup", "spans", "rows")
"""``rows``: whether rows are handed on one by one."""

TAKE, BEGIN, WORKED, SEND, LOOK, PLACE, CHANNEL, DONE, FLOWING = range(9)
"""Stages of a unit: what it does next. It takes a task; begins it; has worked on it and takes the next; sends, as
soon as the network lets; looks whether weights are there; has a place for those that are not; reads
them through a channel; is done, as its queue is empty; or works on rows of which the last has come."""

UNIT_DUE, TASK_ENDS, ARBITRATION, OVER, TASK_FLOWS = range(5)
"""Kinds of events: a unit's work has come to its end, a result is there, an instant's requests are complete; the first
row of a result is there."""

ROOM = 64
"""New events that are handed out at a time."""

PIECE = 16
"""Flits, or cycles of a channel, after which something that yields lets others pass: a short packet."""

FOUND = -1
"""Instead of the cycles of a span: weights that need not be loaded."""


class Chip(NamedTuple):
    """One simulated chip.

    ``events`` are those that a call hands out: kind, cycles from now, unit or task. ``spans`` are as
    `Recorder` describes them; without room nothing is written down.
    """

    tasks: Records
    needs: Records
    units: Records
    slots: Records
    network: Interconnect
    flits: NDArray[np.int64]
    windows: Records
    seats: Records
    events: NDArray[np.int64]
    spans: NDArray[np.int64]
    scalar: Records


def chip_of(
    tasks: Tasks,
    lowered: Lowered,
    hardware: Hardware,
    windows: Mapping[int, int],
    *,
    cold: bool,
    record: bool,
) -> Chip:
    """A chip with full queues on which nothing has happened; without ``cold`` what SETUP brings is there."""
    noc = hardware.noc
    rows, flits = _task_rows(tasks, lowered, streams=bool(windows), cold=cold)
    needs = _needs(tasks, rows, lowered)
    held, seats = _windows(tasks, rows, windows)
    units, slots = _units(tasks, hardware, windows, held)
    scalar = np.zeros(1, SCALAR)
    scalar["setup"] = hardware.tiles.dma.setup_cycles
    scalar["rows"] = hardware.tiles.handover == "rows"
    spans = _most_spans(tasks, rows) if record else 0
    return Chip(
        rows,
        needs,
        units,
        np.zeros(slots, SLOT),
        network_of(
            [*tasks.routes, *_channels(tasks.mesh)],
            len(tasks.units),
            router_cycles=noc.router_latency_cycles,
            link_cycles=noc.link_latency_cycles,
        ),
        flits,
        held,
        seats,
        np.zeros((ROOM + 3, 3), np.int64),
        np.zeros((spans, 5), np.int64),
        scalar,
    )


def _most_spans(tasks: Tasks, rows: Records) -> int:
    """Two for each operation, and one more for each piece of what lets others pass."""
    passing = np.maximum(rows["flits"], rows["busy"])
    pieces = np.where(rows["yields"], -(-passing // PIECE), 0)
    return int((tasks.instances() * (2 + pieces)).sum())


def _channels(mesh: Topology) -> list[Route]:
    """Each DRAM channel, and the global buffer, in order of their nodes, as a way of one link."""
    return [
        Route(
            node,
            (),
            (Link("home", node, node),),
            hops=(0,),
            wires=(0,),
            edges=0,
            wire=0,
            depth=0,
            routers=0,
        )
        for node in range(mesh.tiles, mesh.nodes)
    ]


def _task_rows(
    tasks: Tasks, lowered: Lowered, *, streams: bool, cold: bool
) -> tuple[Records, NDArray[np.int64]]:
    """A row per task, and the flits of those whose instances differ."""
    rows = np.zeros(len(tasks), TASK)
    for name in ("phase", "first", "last", "size_bytes"):
        rows[name] = getattr(tasks, name)
    rows["busy"], rows["delay"], rows["flits"] = lowered.busy, lowered.delay, lowered.flits
    for name in ("head", "late", "spread", "slow", "hold", "load"):
        rows[name] = getattr(lowered, name)
    for task, loading in lowered.loads.items():
        for name, cycles in loading._asdict().items():
            rows[name][task] = cycles
    rows["way"], rows["yields"] = tasks.route, tasks.yields
    rows["own_flits"] = NONE
    flits: list[int] = []
    for task, each in lowered.flits_of.items():
        rows["own_flits"][task] = len(flits)
        flits.extend(each)
    rows["rank"][np.lexsort((np.arange(len(tasks)), tasks.layer))] = np.arange(len(tasks))
    rows["course"] = np.array([COURSE[kind] for kind in TaskKind])[tasks.kind]
    if not streams:  # Nobody else needs the channels.
        rows["course"][rows["course"] == AT_HOME] = WORK
    wait_kinds = np.array([STALLS.index(WAIT_KIND[kind]) for kind in TaskKind])
    rows["wait_kind"] = wait_kinds[tasks.kind]
    turns = np.array(tasks.turns, dtype=np.int64).reshape(-1, len(Turn._fields))
    for name, column in zip(Turn._fields, turns.T, strict=True):
        rows[name] = column[tasks.turn]
    # In the steady state what SETUP brings is there already.
    rows["ended"] = (tasks.phase == SETUP) & (not cold)
    rows["left_out"] = rows["flowed"] = rows["ended"]
    rows["waiting"] = rows["watching"] = NONE
    rows["queued"] = np.argsort(tasks.unit, kind="stable")
    behind = len(tasks.routes) - tasks.mesh.tiles
    rows["home"] = np.array([unit.node for unit in tasks.units], np.int64)[tasks.unit] + behind
    for task, user in tasks.users.items():
        route = int(tasks.route[task])
        rows["home"][task] = tasks.routes[route].source + behind
        rows["user"][task] = user
        if comes_from_buffer(tasks, route):
            rows["wait_kind"][task] = STALLS.index("buffer")
    return rows, np.array(flits, np.int64)


def _needs(tasks: Tasks, rows: Records, lowered: Lowered) -> Records:
    """The needs of every task; its ``rows`` are told where they stand."""
    waiting = tasks.waiting
    needs = np.zeros(len(waiting), NEED)
    needs["after"] = lowered.after
    instances = tasks.instances()
    needs["task"] = tasks.needs_task
    needs["base"] = 1 - tasks.needs_back - tasks.first[tasks.needs_task]
    needs["most"] = instances[tasks.needs_task]
    # Where the first instance waits for all, the others need not look.
    fixed = tasks.first[waiting] + needs["base"] >= needs["most"]
    rows["needs"], rows["needs_end"] = tasks.needs_start[:-1], tasks.needs_start[1:]
    rows["fixed"] = rows["needs"] + np.bincount(waiting[~fixed], minlength=len(tasks))
    return needs[np.lexsort((np.arange(len(waiting)), fixed, waiting))]


def _windows(tasks: Tasks, rows: Records, sizes: Mapping[int, int]) -> tuple[Records, Records]:
    """The windows of tiles, in order of ``sizes``, and the seats of all layers that stream through them."""
    windows, seats = np.zeros(len(sizes), WINDOW), 0
    windows["room_bytes"] = list(sizes.values())
    by_tile: dict[int, dict[int, int]] = {tile: {} for tile in sizes}
    for task in tasks.users:
        layers = by_tile[tasks.units[tasks.unit[task]].node]
        rows["seat"][task] = layers.setdefault(int(tasks.layer[task]), len(layers))
    for index, layers in enumerate(by_tile.values()):
        windows["first"][index], windows["last"][index] = seats, seats + len(layers)
        seats += len(layers)
    firsts = dict(zip(sizes, windows["first"].tolist(), strict=True))
    for task in tasks.users:
        rows["seat"][task] += firsts[tasks.units[tasks.unit[task]].node]
    return windows, np.zeros(seats, SEAT)


def _units(
    tasks: Tasks, hardware: Hardware, windows: Mapping[int, int], held: Records
) -> tuple[Records, int]:
    """Every unit before it has taken a task, and how many slots they have to wait in."""
    number = len(tasks.units)
    units = np.zeros(number, UNIT)
    units["task"] = units["last_need"] = units["gate_after"] = units["window"] = NONE
    places = {tile: index for index, tile in enumerate(windows)}
    gates = hardware.tiles.gates()
    most = np.zeros(number, np.int64)
    np.maximum.at(most, tasks.unit, np.diff(tasks.needs_start))
    for index, unit in enumerate(tasks.units):
        if (gate := gates.get(unit.kind)) is not None:
            units["gate_after"][index] = gate.after_cycles
            units["gate_wake"][index] = gate.wake_cycles
        if unit.kind == "dma" and unit.channel == "weights":
            units["window"][index] = place = places[unit.node]
            most[index] = max(most[index], held["last"][place] - held["first"][place])
    ends = np.cumsum(most)
    units["slots"] = ends - most
    queued = np.bincount(tasks.unit, minlength=number)
    units["queue"] = np.cumsum(queued) - queued
    return units, int(ends[-1]) if number else 0
