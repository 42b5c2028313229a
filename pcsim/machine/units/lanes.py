"""Units made of lanes: the vector unit (activation function, errors, states) and the update unit.

Every lane finishes one lane operation per cycle; a task of E elements and k lane operations per element
takes k ceil(E / lanes) cycles after the pipeline's latency, or longer where the SRAM ports cannot keep
up. Intermediate results stay in the lanes. Left out: transcendental functions that take several issue
slots.
"""

from __future__ import annotations

from dataclasses import replace

from pcsim.config import Formats, Sram, Tiles, Update, Vector
from pcsim.machine.units.pace import Incoming, Pace, by_lanes
from pcsim.machine.units.work import Work, sram_cycles
from pcsim.program import Words
from pcsim.program.kernels import Kernel


def elementwise(
    elements: int,
    kernel: Kernel,
    *,
    component: str,
    unit: Vector | Update,
    sram: Sram,
    formats: Formats,
) -> Work:
    """``kernel`` on ``elements``; ``component`` ("vector" or "update") is who pays for it."""
    lane_ops = kernel.lane_ops
    issue = 0 if unit.lanes is None else lane_ops * -(-elements // unit.lanes)
    read_bytes = _bytes(kernel.reads, elements, formats)
    write_bytes = _bytes(kernel.writes, elements, formats)
    cycles = unit.latency_cycles + max(issue, sram_cycles(read_bytes + write_bytes, sram))
    actions = [
        (component, action, amount * elements)
        for primitive in kernel.primitives
        for action, amount in primitive.actions
    ]
    if lane_ops:
        actions.append((component, "lane_op", lane_ops * elements))
        actions.append((component, "instruction", lane_ops))
    actions.append(("sram", "read_byte", read_bytes))
    actions.append(("sram", "write_byte", write_bytes))
    return Work(cycles, tuple(actions))


def lane_pace(
    elements: int,
    kernel: Kernel,
    coming: Incoming,
    *,
    lanes: int | None,
    latency: int,
    more: int,
    tiles: Tiles,
) -> Pace:
    """``kernel`` on ``elements`` where rows are handed on one by one; ``more`` cycles follow in the compute unit. The
    pipeline takes a new row while others are in it."""
    moved_bytes = sum(
        _bytes(words, elements, tiles.formats) for words in (kernel.reads, kernel.writes)
    )
    ports = sram_cycles(moved_bytes, tiles.sram)
    pace = by_lanes(
        elements, coming, lanes=lanes, times=kernel.lane_ops, ports=ports, latency=latency
    )
    return replace(pace, busy=pace.busy + more, row=pace.row + more, burst=pace.burst + more)


def _bytes(words: Words, elements: int, formats: Formats) -> int:
    """Bytes of ``words`` per element of ``elements``, each word one of a packed tensor."""
    return sum(count * formats.of(value).storage_bytes(elements) for value, count in words)
