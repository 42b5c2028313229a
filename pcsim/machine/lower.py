"""From tasks to cycles: each unit's closed form applied to each task of a placement.

What comes out are plain lists, one entry per task, which the simulation walks through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from pcsim.config import Hardware, problem_at
from pcsim.errors import InputError
from pcsim.machine.paces import AsBlock, Handed, Loading, handed
from pcsim.machine.units import Product, Weights, form_of
from pcsim.machine.units.dram import access, channel_cycles, latency_cycles
from pcsim.machine.units.lanes import elementwise
from pcsim.machine.units.pace import NEVER
from pcsim.machine.units.work import Work, reads_transpose, sram_cycles
from pcsim.placement import TaskKind, Tasks


@dataclass(frozen=True)
class Lowered:
    """Per task: the cycles it occupies its unit, the cycles from then until its result is there,
    the flits it sends, the actions it counts, and its multiply-accumulates.

    Where rows are handed on one by one: ``head`` are the cycles from the beginning, of a transfer from the start of
    sending, until the first row is there, ``hold``, ``load``, ``late``, ``spread`` and ``slow`` as for `Pace`,
    ``loads`` and ``after`` as for `Handed`; everywhere `NEVER`, and no hold, where blocks are.

    ``flits_of`` gives transfers of a size of their own in each instance these flits, and
    ``all_actions`` what all their instances together count.
    """

    busy: list[int]
    delay: list[int]
    flits: list[int]
    actions: list[tuple[tuple[str, str, int], ...]]
    macs: list[int]
    flits_of: dict[int, tuple[int, ...]]
    all_actions: dict[int, tuple[tuple[str, str, int], ...]]
    hold: list[int]
    load: list[int]
    head: list[int]
    late: list[int]
    spread: list[int]
    slow: list[int]
    after: list[int]
    loads: Mapping[int, Loading]


class _Sizes(NamedTuple):
    kind: int
    m: int
    n: int
    k: int
    repeat: int
    streamed: int
    stationary: int
    elements: int
    size_bytes: int
    route: int
    kernel: int
    operands: int
    both_ways: bool


def lower(tasks: Tasks, hardware: Hardware) -> Lowered:
    """Cycles and counts of every task on this hardware."""
    tiles = hardware.tiles
    link = hardware.noc.link_bytes_per_cycle
    dram_latency = latency_cycles(hardware.dram, clock_hz=hardware.clock_hz)
    form = form_of(tiles.compute)
    backward = [at for at, operands in enumerate(tasks.products) if reads_transpose(operands)]
    fed_back = set(tasks.layer[np.isin(tasks.operands, backward)].tolist())
    known: dict[_Sizes, int] = {}

    def answer(row: _Sizes) -> tuple[Work, int, int]:
        """Work, delay and flits of one task."""
        if row.kind == TaskKind.PRODUCT:
            operands = tasks.products[row.operands]
            task = Product(row.m, row.n, row.k, operands, row.streamed, row.stationary)
            return form.product(task, tiles.compute, hardware).times(row.repeat), 0, 0
        if row.kind in (TaskKind.ELEMENTWISE, TaskKind.UPDATE):
            vector = row.kind == TaskKind.ELEMENTWISE
            work = elementwise(
                row.elements,
                tasks.kernels[row.kernel],
                component="vector" if vector else "update",
                unit=tiles.vector if vector else tiles.update,
                sram=tiles.sram,
                formats=tiles.formats,
            )
            if row.m:
                weights = Weights(n_in=row.n, n_out=row.m, both_ways=row.both_ways)
                more = form.write(weights, tiles.compute, hardware)
                actions = (*work.actions, *more.actions)
                work = Work(work.cycles + more.cycles, actions, more=more.cycles)
            return work, 0, 0
        if row.kind == TaskKind.WEIGHTS:  # Counted where they are not there.
            flits = 0 if link is None else -(-row.size_bytes // link)
            buffered = comes_from_buffer(tasks, row.route)
            kind = TaskKind.BUFFER_READ if buffered else TaskKind.DRAM_READ
            work, latency = _at_home(kind, row.size_bytes, hardware, dram_latency)
            sent = _transfer_actions(tasks, row.route, row.size_bytes)
            return Work(work.cycles, (*sent, *work.actions)), latency, flits
        if row.kind == TaskKind.TRANSFER:
            flits = 0 if link is None else -(-row.size_bytes // link)
            actions = _transfer_actions(tasks, row.route, row.size_bytes)
            return Work(tiles.dma.setup_cycles, actions), 0, flits
        return *_at_home(row.kind, row.size_bytes, hardware, dram_latency), 0

    number = len(tasks)
    never = [NEVER] * number
    whole = [NEVER] * len(tasks.needs_task)
    lowered = Lowered(
        [],
        [],
        [],
        [],
        [],
        {},
        {},
        [0] * number,
        [0] * number,
        never,
        list(never),
        list(never),
        list(never),
        whole,
        {},
    )
    which: list[int] = []
    blocks: list[AsBlock] = []
    columns = (
        tasks.kind,
        tasks.m,
        tasks.n,
        tasks.k,
        tasks.repeat,
        tasks.streamed,
        tasks.stationary,
        tasks.elements,
        tasks.size_bytes,
        tasks.route,
        tasks.kernel,
        tasks.operands,
    )
    both_ways = [layer in fed_back for layer in tasks.layer.tolist()]
    rows = zip(*(column.tolist() for column in columns), both_ways, strict=True)
    for row in map(_Sizes._make, rows):
        if row not in known:
            known[row] = len(blocks)
            blocks.append(AsBlock(*answer(row)))
        which.append(known[row])
        work, delay, flits = blocks[known[row]]
        lowered.busy.append(work.cycles)
        lowered.delay.append(delay)
        lowered.flits.append(flits)
        lowered.actions.append((*work.actions, *_clocked(row.kind, work.cycles)))
        lowered.macs.append(work.macs)
    if tiles.handover == "rows":
        lowered = _by_rows(tasks, lowered, handed(tasks, hardware, blocks, which))
    for task, sizes in tasks.varying.items():
        lowered.flits_of[task] = tuple(0 if link is None else -(-size // link) for size in sizes)
        route = int(tasks.route[task])
        lowered.all_actions[task] = _transfer_actions(tasks, route, sum(sizes), times=len(sizes))
    _check_length(tasks, lowered, hardware)
    return lowered


def _by_rows(tasks: Tasks, lowered: Lowered, rows: Handed) -> Lowered:
    """The same where rows are handed on one by one."""
    paces, kinds = rows.paces, tasks.kind.tolist()
    read = set(tasks.needs_task[np.array(rows.after, dtype=np.int64) != NEVER].tolist())
    sends, streams = TaskKind.TRANSFER, TaskKind.WEIGHTS
    each = list(zip(kinds, paces, strict=True))
    return replace(
        lowered,
        busy=[
            busy if kind in (sends, streams) else pace.busy
            for busy, (kind, pace) in zip(lowered.busy, each, strict=True)
        ],
        flits=[
            pace.busy if kind == sends else flits
            for flits, (kind, pace) in zip(lowered.flits, each, strict=True)
        ],
        delay=[
            delay if kind == sends else pace.delay
            for delay, (kind, pace) in zip(lowered.delay, each, strict=True)
        ],
        hold=[pace.hold for pace in paces],
        load=[pace.load for pace in paces],
        head=[pace.first if task in read else NEVER for task, (kind, pace) in enumerate(each)],
        late=[pace.late for pace in paces],
        spread=[pace.spread for pace in paces],
        slow=[pace.slow for pace in paces],
        after=rows.after,
        loads=rows.loads,
    )


MOST_CYCLES = 1 << 60
"""Of all work of an update one after the other: the simulator counts cycles in 64 bits."""


def _check_length(tasks: Tasks, lowered: Lowered, hardware: Hardware) -> None:
    """Refuse what is so slow that cycles could not be counted.

    Raises:
        InputError: says how many cycles it would take, and where the clock is given.
    """
    each = zip(tasks.instances().tolist(), lowered.busy, lowered.delay, lowered.flits, strict=True)
    cycles = sum(often * (busy + delay + flits) for often, busy, delay, flits in each)
    cycles += sum(sum(flits) for flits in lowered.flits_of.values())
    if cycles > MOST_CYCLES:
        said = f"the work of an update must take at most {MOST_CYCLES:.1e} cycles, not {cycles:.1e}"
        hint = "take a slower clock, or faster links, ports and DRAM"
        raise InputError((problem_at(hardware, "clock", said, hint=hint),))


CLOCKED = {
    TaskKind.PRODUCT: "array",
    TaskKind.ELEMENTWISE: "vector",
    TaskKind.UPDATE: "update",
}
"""The units whose part of the clock tree is counted by the cycle; memories hold their own."""


def _at_home(kind: int, size_bytes: int, hardware: Hardware, dram_latency: int) -> tuple[Work, int]:
    """An access to DRAM or the global buffer, and the cycles from then until its data are there."""
    reads = kind in (TaskKind.DRAM_READ, TaskKind.BUFFER_READ)
    action = "read_byte" if reads else "write_byte"
    if kind in (TaskKind.BUFFER_READ, TaskKind.BUFFER_WRITE):
        assert hardware.buffer is not None, "nothing is placed in a buffer that is not there"
        cycles = sram_cycles(size_bytes, hardware.buffer)
        return Work(cycles, (("buffer", action, size_bytes),)), hardware.buffer.latency_cycles
    cycles = channel_cycles(size_bytes, hardware.dram, clock_hz=hardware.clock_hz)
    return Work(cycles, access(action, size_bytes, hardware.dram)), dram_latency


def comes_from_buffer(tasks: Tasks, route: int) -> bool:
    """Whether a route begins at the global buffer."""
    mesh = tasks.mesh
    return bool(mesh.buffers) and tasks.routes[route].source == mesh.buffer_node


def _clocked(kind: int, cycles: int) -> tuple[tuple[str, str, int], ...]:
    """The clock of a unit, behind a gate that is open while it works."""
    unit = CLOCKED.get(TaskKind(kind))
    return (("clock", unit, cycles),) if unit else ()


def _transfer_actions(
    tasks: Tasks, route: int, size: int, *, times: int = 1
) -> tuple[tuple[str, str, int], ...]:
    """A transfer reads SRAM once at its source, crosses its tree, and writes SRAM at every target.

    ``size`` bytes in as many transfers as ``times`` says.
    """
    path = tasks.routes[route]
    tiles = tasks.mesh.tiles
    copies = sum(target < tiles for target in path.targets)
    actions = [
        ("dma", "byte", size),
        ("dma", "descriptor", times),
        ("noc", "router_byte", size * path.routers),
        ("clock", "router_byte", size * path.routers),
        ("noc", "link_byte", size * path.wire),
        ("noc", "interface_byte", size * (1 + path.copies)),
        ("sram", "write_byte", size * copies),
    ]
    if path.source < tiles:
        actions.append(("sram", "read_byte", size))
    return tuple(actions)
