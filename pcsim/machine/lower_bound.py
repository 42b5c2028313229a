"""How few cycles could an update take on this chip, however it were placed and scheduled?

No fewer than its work keeps all units of a kind busy, all tiles sharing it evenly: arrays, vector units, update units,
DRAM channels. And no fewer than its longest chain of operations takes where each begins as soon as one row of what
it needs is there, on the same tile. What is far from the largest of these has a bad mapping, or waits for the
network; what is near it needs other hardware.

Left out: what crosses the network, as how much does follows from the placement; and waits for SRAM ports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from pcsim.config import Hardware
from pcsim.machine.units import Product, form_of
from pcsim.program import PRODUCTS, Key, Kind, Op, Phase, Program

MOST_INSTANCES = 100_000
"""Of all operations of a program whose longest chain is followed; beyond that the bound does without."""


@dataclass(frozen=True)
class LowerBound:
    """``cycles`` that no placement can go below, and the ``cause``: the largest of ``causes``.

    These are kinds of units whose work is shared evenly (array, vector, update, dram), and ``dependence``, the longest
    chain of operations.
    """

    cycles: int
    cause: str
    causes: Mapping[str, int]


def lower_bound(program: Program, hardware: Hardware, *, dram_bytes: int) -> LowerBound:
    """That of one update of ``program`` in the steady state, which moves ``dram_bytes`` to and from DRAM."""
    causes = {
        **_work(program, hardware),
        "dram": _channels(dram_bytes, hardware),
        "dependence": _longest_chain(program, hardware),
    }
    cause = max(causes, key=causes.__getitem__)
    return LowerBound(causes[cause], cause, causes)


def _work(program: Program, hardware: Hardware) -> dict[str, int]:
    """Cycles of each kind of unit where all tiles share its work evenly."""
    tiles = hardware.tiles
    vector, update = tiles.vector.lanes, tiles.update.lanes
    shared, gradients = 0, 0
    elementwise = updates = Fraction(0)
    known: dict[tuple[object, ...], int] = {}
    for op in program.ops:
        if op.phase is Phase.SETUP:
            continue
        if op.kind in PRODUCTS:
            key = op.contraction, op.sizes
            if key not in known:
                known[key] = _product_cycles(op, program.batch, hardware)
            if op.kind is Kind.WEIGHT_GRADIENT and tiles.gradients == "own":
                gradients += op.instances * known[key]
            else:
                shared += op.instances * known[key]
        elif op.kind is Kind.ELEMENTWISE and vector is not None:
            elementwise += Fraction(op.instances * op.kernel.lane_ops * op.elements, vector)
        elif op.kind is Kind.UPDATE and update is not None:
            updates += Fraction(op.instances * op.kernel.lane_ops * op.elements, update)
    number = tiles.mesh[0] * tiles.mesh[1]
    arrays = Fraction(max(shared, gradients))
    each = {"array": arrays, "vector": elementwise, "update": updates}
    return {unit: ceil(cycles / number) for unit, cycles in each.items()}


def _product_cycles(op: Op, batch: int, hardware: Hardware) -> int:
    """Of a product as a whole, with all the memory ports it could want; slices of it take no fewer in all."""
    m, n, k, repeat, *_ = op.contraction.extent(op.sizes, batch)
    task = Product(m, n, k, op.contraction.operands)
    chip = _without_ports(hardware)
    return repeat * form_of(chip.tiles.compute).product(task, chip.tiles.compute, chip).cycles


def _without_ports(hardware: Hardware) -> Hardware:
    tiles = hardware.tiles
    sram = tiles.sram.model_copy(update={"port_bytes_per_cycle": None})
    return hardware.model_copy(update={"tiles": tiles.model_copy(update={"sram": sram})})


def _channels(size_bytes: int, hardware: Hardware) -> int:
    dram = hardware.dram
    if dram.bandwidth_bytes_per_s is None:
        return 0
    seconds = Fraction(size_bytes) / Fraction(dram.bandwidth_bytes_per_s) / dram.channels
    return int(seconds * Fraction(hardware.clock_hz))


def _longest_chain(program: Program, hardware: Hardware) -> int:
    """The longest chain of operations, each with the time from its first operand to its first row.

    0 where there are more than `MOST_INSTANCES`.
    """
    ops = {op.key: op for op in program.ops if op.phase is not Phase.SETUP and op.instances}
    if sum(op.instances for op in ops.values()) > MOST_INSTANCES:
        return 0
    cycles = {key: _first_row(op, hardware) for key, op in ops.items()}
    ended: dict[tuple[Key, int], int] = {}
    open_ = [(key, instance) for key, op in ops.items() for instance in _instances(op)]
    while open_:
        at = key, instance = open_[-1]
        if at in ended:
            open_.pop()
            continue
        needed = []
        for need in ops[key].needs:
            other = ops.get(need.op)
            if other is not None and instance - need.back >= other.place.first:
                needed.append((need.op, min(instance - need.back, other.place.last)))
        missing = [each for each in needed if each not in ended]
        if missing:
            open_ += missing
        else:
            ended[at] = cycles[key] + max((ended[each] for each in needed), default=0)
            open_.pop()
    return max(ended.values(), default=0)


def _instances(op: Op) -> range:
    return range(op.place.first, op.place.last + 1)


def _first_row(op: Op, hardware: Hardware) -> int:
    """The fewest cycles from an operand that comes until a first result leaves; what moves may have no way to go."""
    tiles = hardware.tiles
    if op.kind in PRODUCTS:
        return form_of(tiles.compute).first(tiles.compute, hardware)
    if op.kind not in (Kind.ELEMENTWISE, Kind.UPDATE):
        return 0
    unit = tiles.vector if op.kind is Kind.ELEMENTWISE else tiles.update
    return unit.latency_cycles + (0 if unit.lanes is None else op.kernel.lane_ops)
