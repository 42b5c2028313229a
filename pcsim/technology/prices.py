"""What does one count, one leaking block and one square millimetre cost on this very chip?

A published number becomes a price by the chip's own sizes: SRAM's from the bank's size, a hop's
from its length, a router's leakage from its width. What is unlimited has neither leakage nor area.
Leaves out: SRAM accesses wider than CACTI was run with, temperature, voltage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from pcsim.config import Crossbar, Hardware, mark_of, problem_at, shipped
from pcsim.errors import InputError, MissingCostError, Problem
from pcsim.machine.units import form_of
from pcsim.placement import topology_of
from pcsim.technology.actions import BUFFER, FORMAT_DEPENDENT, PRICED_AS, UNITS, priced_of
from pcsim.technology.analog import AnalogParts
from pcsim.technology.checks import bank_bytes, problems_of
from pcsim.technology.costs import Curve, UnitCost, joined, weakest
from pcsim.technology.datapath import Datapath
from pcsim.technology.dram import DramKind
from pcsim.technology.macros import REFERENCE_BITS, Macros
from pcsim.technology.overrides import given_cost, missing_costs
from pcsim.technology.tables import Technology, table_key
from pcsim.technology.values import Area, Leak, Price, PriceList

MIB = 2**20
OF_MACROS = {
    "sram.read_byte": "read_j",
    "sram.write_byte": "write_j",
    "leakage.sram": "leakage_w",
    "area.sram": "area_m2",
}
"""Costs that depend on the width of an access, and what they are of a macro."""
MM2_PER_M2 = 1e6


def price_list(hardware: Hardware) -> PriceList:
    """The prices of ``hardware``: its technology's table, with its own ``costs`` put over it.

    Raises InputError when a cost or a size is outside the tables, MissingCostError when a cost that
    this chip needs is nowhere (a number format that the table does not price, for example), naming
    every one at the line that asks for it.
    """
    if problems := problems_of(hardware):
        raise InputError(problems)
    if missing := missing_of(hardware):
        raise MissingCostError(missing)
    technology = Technology.load(hardware.technology)
    dram = DramKind.load(hardware.dram.kind)
    counts = _block_counts(hardware)
    priced = priced_of(hardware)
    wanted, has_size = _wanted(hardware)
    units = {**UNITS, **priced.energy, **priced.leakage, **priced.area}
    given = {key: given_cost(key, cost, per=units[key]) for key, cost in hardware.costs.items()}
    costs = dram.costs(hardware.dram)
    if isinstance(hardware.tiles.compute, Crossbar):
        costs |= AnalogParts.load().costs(hardware.tiles.compute)
    costs |= _table_costs(technology, hardware, wanted=set(wanted) - given.keys())
    costs |= given
    sources = {**AnalogParts.load().sources, **dram.sources, **technology.sources}
    prices = (_price(key, costs[key], sources) for key in priced.energy)
    return PriceList(
        technology=technology.name,
        prices={(price.component, price.action): price for price in prices},
        leaks=tuple(
            _gated(_leak(key, costs[key], counts, sources), hardware) for key in priced.leakage
        ),
        areas=tuple(_area(key, costs[key], counts, sources) for key in priced.area)
        if has_size
        else None,
    )


def missing_of(hardware: Hardware) -> tuple[Problem, ...]:
    """The costs that ``hardware`` needs and that neither its file nor a table gives, at the lines that ask for them."""
    technology = Technology.load(hardware.technology)
    priced = priced_of(hardware)
    units = {**UNITS, **priced.energy, **priced.leakage, **priced.area}
    known = {*hardware.costs, *DramKind.load(hardware.dram.kind).costs(hardware.dram)}
    if isinstance(hardware.tiles.compute, Crossbar):
        known |= set(AnalogParts.load().costs(hardware.tiles.compute))
    datapath = Datapath(hardware.tiles.formats, technology.arithmetic)
    lacking = {}
    for key in _wanted(hardware)[0]:
        memory = hardware.buffer if key in BUFFER else hardware.tiles.sram
        assert memory is not None, "a buffer that is not there is not priced"
        if key in FORMAT_DEPENDENT:
            given = not datapath.unpriced(key)
        else:
            given = table_key(PRICED_AS.get(key, key), cell=memory.cell) in technology.costs
        if not given and key not in known:
            lacking[key] = units[key]
    return tuple(_unpriced(hardware, technology, lacking))


def _wanted(hardware: Hardware) -> tuple[list[str], bool]:
    """The costs that are needed; whether the chip has an area, for which nothing of it may be unlimited."""
    priced = priced_of(hardware)
    counts = _block_counts(hardware)
    has_size = all(counts.values()) and hardware.tiles.sram.size_bytes is not None
    areas = [*priced.area] if has_size else []
    return [*priced.energy, *priced.leakage, *areas], has_size


def _unpriced(
    hardware: Hardware, technology: Technology, lacking: Mapping[str, str]
) -> Iterator[Problem]:
    """A problem for each number format that is not priced, and for what only this kind of unit counts, at the line
    that asks for it; of all else at the technology's.

    ``lacking`` are the keys that have no cost, each with its unit.
    """
    datapath = Datapath(hardware.tiles.formats, technology.arithmetic)
    formats = hardware.tiles.formats
    fields = {str(field): getattr(formats, field) for field in type(formats).model_fields}
    by_path: dict[str, dict[str, str]] = {}
    for key, unit in lacking.items():
        why = datapath.unpriced(key) if key in FORMAT_DEPENDENT else ()
        for number in why:
            field = next(at for at, each in fields.items() if each and each.name == number.name)
            by_path.setdefault(f"tiles.formats.{field}", {})[key] = unit
        if not why:
            path = "technology" if key in UNITS else "tiles.compute.kind"
            by_path.setdefault(path, {})[key] = unit
    order = [f"tiles.formats.{field}" for field in fields]
    for path in sorted(by_path, key=lambda at: order.index(at) if at in order else len(order)):
        keys = by_path[path]
        asked = fields.get(path.rpartition(".")[2])
        for_format = f" for {asked.name}" if asked else ""
        said, hint = missing_costs(technology.name, keys, why=for_format)
        yield problem_at(hardware, _own(hardware, path), said, hint=hint)


def _own(hardware: Hardware, path: str) -> str:
    """``path``, or the technology's where that was chosen and ``path`` came along with a shipped chip."""
    mark, chosen = mark_of(hardware, path), mark_of(hardware, "technology")
    along = {str(file) for file in shipped("hardware").values()}
    inherited = mark is None or mark.file in along
    return "technology" if inherited and chosen and chosen.file not in along else path


def _block_counts(hardware: Hardware) -> dict[str, int]:
    """How many of each block the whole chip has; 0 where the block is unlimited."""
    tiles = hardware.tiles
    tile_count = tiles.mesh[0] * tiles.mesh[1]
    units = tile_count * tiles.compute_units
    adders = 0 if tiles.adder is None else tiles.adder.lanes or 0
    return {
        **{block: units * count for block, count in _pieces(hardware).items()},
        # An adder is taken for a lane, which is larger.
        "vector": tile_count * ((tiles.vector.lanes or 0) + adders),
        "update": tile_count * (tiles.update.lanes or 0),
        "sram": tile_count * tiles.sram.banks,
        **({} if hardware.buffer is None else {"buffer": hardware.buffer.banks}),
        "noc": 0 if hardware.noc.link_bytes_per_cycle is None else topology_of(hardware).routers,
        "dma": tile_count,
        "dram_standby": hardware.dram.channels,
    }


def _pieces(hardware: Hardware) -> Mapping[str, int]:
    """What the compute unit of one tile is made of."""
    compute, formats = hardware.tiles.compute, hardware.tiles.formats
    return form_of(compute).pieces(compute, formats)


def _table_costs(
    technology: Technology, hardware: Hardware, *, wanted: Collection[str]
) -> dict[str, UnitCost]:
    """Those of ``wanted`` that the table prices for this chip, per counted unit."""
    factors = {
        "64-bit word": 1 / 8,
        "64-bit flit": 1 / 8,
        "bit": 8.0,
        "bit mm": 8 * hardware.noc.hop_length_m * 1e3,
        "64-bit router": float(hardware.noc.link_bytes_per_cycle or 0) / 8,
    }
    tiles = hardware.tiles
    lanes = {
        "clock.array": _pieces(hardware).get("array", 0),
        "clock.vector": tiles.vector.lanes or 0,
        "clock.update": tiles.update.lanes or 0,
    }
    datapath = Datapath(hardware.tiles.formats, technology.arithmetic)
    plain = {key: cost for key, cost in technology.costs.items() if isinstance(cost, UnitCost)}
    costs = {}
    for key in wanted:
        entry: UnitCost | Curve | None
        memory = hardware.buffer if key in BUFFER else hardware.tiles.sram
        assert memory is not None, "a buffer that is not there is not priced"
        macro_bytes = bank_bytes(memory)
        if key in FORMAT_DEPENDENT:
            entry = None if datapath.unpriced(key) else datapath.cost(key, plain)
        else:
            entry = technology.costs.get(table_key(PRICED_AS.get(key, key), cell=memory.cell))
        if entry is None:
            continue
        cost = entry.at(macro_bytes) if isinstance(entry, Curve) else entry
        access_bytes = hardware.tiles.sram.access_bytes if key in OF_MACROS else None
        if access_bytes is not None and isinstance(entry, Curve):
            cost = _of_access(key, cost, macro_bytes, access_bytes, technology.node_nm)
        if cost.per == "MiB":
            cost = cost.scaled(macro_bytes / MIB, per=UNITS[key])
        elif cost.per in factors:
            cost = cost.scaled(factors[cost.per], per=UNITS[key])
        elif key in lanes:
            cost = cost.scaled(lanes[key], per=UNITS[key])
        costs[key] = cost
    return costs


def _of_access(
    key: str, cost: UnitCost, size_bytes: float, access_bytes: int, node_nm: float
) -> UnitCost:
    """``cost`` of a macro with a 64-bit port brought to another port by CACTI's ratio of both."""
    bits = 8 * access_bytes
    if bits == REFERENCE_BITS:
        return cost
    macros, field = Macros.load(), OF_MACROS[key]
    here, there = (
        getattr(macros.at(size_bytes, bits=width, node_nm=node_nm), field)
        for width in (bits, REFERENCE_BITS)
    )
    per_access = REFERENCE_BITS / bits if key.startswith("sram.") else 1.0
    made = cost.scaled(here / there * per_access, per=cost.per)
    return replace(
        made,
        status=weakest((cost.status, "assumed" if node_nm < min(macros.runs) else "derived")),
        note=joined(made.note, f"CACTI's {bits}-bit port over its 64-bit one at {node_nm:g} nm"),
    )


def _source(cost: UnitCost, sources: Mapping[str, str]) -> str:
    if cost.status == "user":
        return cost.sources[0]
    return " / ".join(f"{source}: {sources[source]}" for source in cost.sources)


def _source_id(cost: UnitCost) -> str:
    return "user" if cost.status == "user" else "+".join(cost.sources)


def _price(key: str, cost: UnitCost, sources: Mapping[str, str]) -> Price:
    component, action = key.split(".")
    return Price(
        component=component,
        action=action,
        joules=cost.value,
        per=cost.per,
        status=cost.status,
        low_j=cost.low,
        high_j=cost.high,
        source=_source(cost, sources),
        note=cost.note,
        source_id=_source_id(cost),
    )


def _leak(key: str, cost: UnitCost, counts: Mapping[str, int], sources: Mapping[str, str]) -> Leak:
    block = key.removeprefix("leakage.")
    count = counts[block]
    return Leak(
        block=block,
        watts=count * cost.value,
        low_w=count * cost.low,
        high_w=count * cost.high,
        status=cost.status,
        source=_source(cost, sources),
        note=joined(cost.note, "" if count else "unlimited, therefore not counted"),
        count=count,
        per=cost.per,
        source_id=_source_id(cost),
    )


def _gated(leak: Leak, hardware: Hardware) -> Leak:
    """``leak`` with the gate of the units that its block belongs to, if they have one."""
    kind = "array" if leak.block in _pieces(hardware) else leak.block
    gate = hardware.tiles.gates().get(kind)
    if gate is None:
        return leak
    units = hardware.tiles.units(kind)
    return replace(leak, gated_with=kind, units=units, retention=gate.retention)


def _area(key: str, cost: UnitCost, counts: Mapping[str, int], sources: Mapping[str, str]) -> Area:
    block = key.removeprefix("area.")
    count = counts[block]
    return Area(
        block=block,
        mm2=count * cost.value * MM2_PER_M2,
        low_mm2=count * cost.low * MM2_PER_M2,
        high_mm2=count * cost.high * MM2_PER_M2,
        status=cost.status,
        source=_source(cost, sources),
        note=cost.note,
        count=count,
        per=cost.per,
        source_id=_source_id(cost),
    )
