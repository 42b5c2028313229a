"""What would the chip gain from more of each resource? One update is simulated again with it doubled, and without
its limit.

A bottleneck is what helps when there is more of it. So nothing is derived from who waited for whom: the
chip is changed by one setting, placed, simulated and priced anew. The setting is the ``--set`` option that would do
the same by hand.

Left out: changes of two resources at once, and other schedules or placements that a change would make
better. The weights' accuracy does not change with any lever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pcsim.config import Candidate, Hardware, Workload
from pcsim.config.dump import to_plain, value_text
from pcsim.config.fields import FROM_FILE
from pcsim.config.section import Section, key_of
from pcsim.errors import PcsimError
from pcsim.machine import simulate
from pcsim.placement import Allocation, Placement, place
from pcsim.program import Program
from pcsim.schedules import update_program
from pcsim.technology import bill, price_list
from pcsim.verdict import Lever, Result

MOST_TASKS = 200_000
"""From so many task instances of one update on, levers are not simulated unless they are asked for."""


@dataclass(frozen=True)
class Resource:
    """A row of the table: ``path`` of a field of a chip, what it is called, and which way is more.

    ``more`` multiplies by two, ``less`` halves. ``limit`` is the value without a limit: None for a
    field that can be unlimited, 0 for a time; "none" where there is no such value. ``placed`` tells whether
    another value may place layers elsewhere; ``kind`` restricts the row to one kind of compute unit.
    """

    path: str
    word: str
    way: Literal["more", "less"]
    limit: Literal["unlimited", "zero", "none"]
    placed: bool = False
    kind: str = ""


RESOURCES = (
    Resource("noc.link_bytes_per_cycle", "links", "more", "unlimited"),
    Resource("noc.router_latency_cycles", "router latency", "less", "zero"),
    Resource("noc.link_latency_cycles", "wire latency", "less", "zero"),
    Resource("tiles.compute.rows", "array rows", "more", "none", True, "systolic"),
    Resource("tiles.compute.cols", "array columns", "more", "none", True, "systolic"),
    Resource("tiles.compute.lanes", "SIMD lanes", "more", "none", True, "simd"),
    Resource("tiles.compute.tree", "adder-tree inputs", "more", "none", True, "simd"),
    Resource("tiles.compute.cores", "serial cores", "more", "none", True, "serial"),
    Resource("tiles.compute.arrays", "crossbars per tile", "more", "none", True, "crossbar"),
    Resource("tiles.compute.rows", "crossbar rows", "more", "none", True, "crossbar"),
    Resource("tiles.compute.cols", "crossbar columns", "more", "none", True, "crossbar"),
    Resource("tiles.compute.read_s", "crossbar read time", "less", "zero", False, "crossbar"),
    Resource("tiles.compute.write_s", "cell write time", "less", "zero", False, "crossbar"),
    Resource("tiles.compute.adc_rate_hz", "converter rate", "more", "none", False, "crossbar"),
    Resource("tiles.compute.adc_share", "columns per converter", "less", "none", False, "crossbar"),
    Resource("tiles.compute.gradient_lanes", "gradient lanes", "more", "none", True, "crossbar"),
    Resource("tiles.adder.lanes", "adders of partial sums", "more", "unlimited"),
    Resource(
        "tiles.compute.accumulators", "unfinished sums", "more", "unlimited", False, "systolic"
    ),
    Resource("tiles.vector.lanes", "vector lanes", "more", "unlimited", True),
    Resource("tiles.vector.latency_cycles", "vector latency", "less", "zero"),
    Resource("tiles.update.lanes", "update lanes", "more", "unlimited", True),
    Resource("tiles.update.latency_cycles", "update latency", "less", "zero"),
    Resource("tiles.sram.size_bytes", "SRAM per tile", "more", "none", True),
    Resource("tiles.sram.banks", "SRAM banks", "more", "none"),
    Resource("tiles.sram.port_bytes_per_cycle", "SRAM ports", "more", "unlimited"),
    Resource("tiles.dma.setup_cycles", "DMA set-up", "less", "zero"),
    Resource("buffer.banks", "buffer banks", "more", "none"),
    Resource("buffer.port_bytes_per_cycle", "buffer ports", "more", "unlimited"),
    Resource("buffer.latency_cycles", "buffer latency", "less", "zero"),
    Resource("dram.channels", "DRAM channels", "more", "none", True),
    Resource("dram.bandwidth_bytes_per_s", "DRAM bandwidth", "more", "unlimited"),
    Resource("dram.latency_s", "DRAM latency", "less", "zero"),
    Resource("dram.rows.miss_s", "row-miss time", "less", "zero"),
    Resource("dram.refresh.time_s", "refresh time", "less", "zero"),
)

NO_RESOURCES = {
    "clock_hz": "all of the chip at once, at another voltage",
    "tiles.mesh": "how many tiles a layer gets is chosen anew for every mesh",
    "tiles.compute.resident_folds": "which weights stay in the cells, a choice and no size of hardware",
    "tiles.compute.cell_bits": "how many levels a cell holds, a property of the device",
    "tiles.compute.dac_bits": "how finely inputs are driven, which converters would have to resolve",
    "tiles.compute.endurance": "how long cells last",
    "tiles.compute.analog.adc_bits": "an accuracy",
    "tiles.sram.priced_as_bytes": "a price",
    "tiles.sram.access_bytes": "a price",
    "noc.hop_length_m": "a distance that follows from the tile's size",
    "buffer.size_bytes": "weights fit or do not",
    "dram.capacity_bytes": "weights fit or do not",
    "dram.burst_bytes": "a granularity",
    "dram.rows.size_bytes": "a granularity",
    "dram.rows.banks": "of one channel, with its row size",
    "dram.refresh.interval_s": "a property of the cells",
    "tiles.power.compute.after_cycles": "a policy",
    "tiles.power.compute.wake_cycles": "of the supply",
    "tiles.power.vector.after_cycles": "a policy",
    "tiles.power.vector.wake_cycles": "of the supply",
    "tiles.power.update.after_cycles": "a policy",
    "tiles.power.update.wake_cycles": "of the supply",
}
"""Numbers of a chip that are no lever, and why."""


def affordable(results: Sequence[Result]) -> bool:
    """Whether all levers of these together take seconds rather than minutes."""
    return sum(result.instances for result in results) <= MOST_TASKS


def levers_of(
    hardware: Hardware, workload: Workload, results: Sequence[Result]
) -> tuple[Lever, ...]:
    """What each resource, doubled and unlimited, changes for ``results``; the doubled one that saves most
    time first, the unlimited one behind its doubled one."""
    candidates = [result.candidate for result in results]
    programs = {
        result.candidate.id: update_program(
            workload, result.candidate, profile=result.training.profile
        )
        for result in results
    }
    ways = {result.candidate.id: result.allocation for result in results}
    placements = {
        each.id: place(programs[each.id], hardware, allocation=ways[each.id], spread=each.spread)
        for each in candidates
    }
    now = _Costs.of(hardware, candidates, placements)
    found: list[tuple[Lever, ...]] = []
    for resource in RESOURCES:
        changes = list(_changes(hardware, resource))
        if changes:
            found.append(
                tuple(
                    _lever(hardware, resource, change, candidates, programs, ways, placements, now)
                    for change in changes
                )
            )
    found.sort(key=lambda pair: (bool(pair[0].reason), pair[0].speed))
    return tuple(lever for pair in found for lever in pair)


@dataclass(frozen=True)
class _Costs:
    """Cycles and joules of an update by candidate, and the chip's area."""

    cycles: Mapping[str, int]
    energy_j: Mapping[str, float]
    area_mm2: float | None

    @staticmethod
    def of(
        hardware: Hardware, candidates: Sequence[Candidate], placements: Mapping[str, Placement]
    ) -> _Costs:
        prices = price_list(hardware)
        cycles, joules = {}, {}
        for candidate in candidates:
            activity = simulate(placements[candidate.id], hardware)
            cycles[candidate.id] = activity.makespan_cycles
            paid = bill(activity, prices, clock_hz=hardware.clock_hz)
            joules[candidate.id] = paid.energy_j
        area = None if prices.areas is None else sum(area.mm2 for area in prices.areas)
        return _Costs(cycles, joules, area)


@dataclass(frozen=True)
class _Change:
    """A resource at another value: the chip with it, None where that is no legal chip."""

    before: Any
    after: Any
    hardware: Hardware | None
    setting: str
    unlimited: bool


def _changes(hardware: Hardware, resource: Resource) -> Iterator[_Change]:
    """The resource doubled and, where there is such a value, unlimited; nothing where the chip has none."""
    if resource.kind and hardware.tiles.compute.kind != resource.kind:
        return
    *sections, field = resource.path.split(".")
    section: Section | None = hardware
    for name in sections:
        section = getattr(section, name)
        if section is None:
            return
    value = getattr(section, field)
    if not value:
        return  # Unlimited already, or no time at all.
    better = value * 2 if resource.way == "more" else value / 2
    if isinstance(value, int):
        better = max(int(better), 0 if resource.limit == "zero" else 1)
    if better != value:
        yield _changed(hardware, sections, field, better, unlimited=False)
    if resource.limit != "none":
        limit = 0 * value if resource.limit == "zero" else None
        yield _changed(hardware, sections, field, limit, unlimited=True)


def _changed(
    hardware: Hardware, sections: Sequence[str], field: str, value: Any, *, unlimited: bool
) -> _Change:
    """The chip with one field at another value, checked as a file is."""
    chain: list[Section] = [hardware]
    for name in sections:
        chain.append(getattr(chain[-1], name))
    names = [*sections, field]
    update: Any = value
    for section, name in zip(reversed(chain), reversed(names), strict=True):
        update = section.model_copy(update={name: update})
    keys = [key_of(type(section), name) for section, name in zip(chain, names, strict=True)]
    before, after = to_plain(hardware), to_plain(update)
    for key in keys:
        before, after = before[key], after[key]
    setting = f"{'.'.join(keys)}={value_text(after)}"
    try:
        checked = Hardware.model_validate(
            to_plain(update), by_alias=True, by_name=False, context=FROM_FILE
        )
    except ValueError:
        checked = None
    return _Change(before, after, checked, setting, unlimited)


def _lever(
    hardware: Hardware,
    resource: Resource,
    change: _Change,
    candidates: Sequence[Candidate],
    programs: Mapping[str, Program],
    ways: Mapping[str, Allocation | None],
    placements: Mapping[str, Placement],
    now: _Costs,
) -> Lever:
    what = f"{resource.word} {_from_to(change)}"
    reason = "" if change.hardware is not None else "a chip cannot have that value"
    then = None
    if change.hardware is not None:
        try:
            if resource.placed:
                placements = {
                    each.id: place(
                        programs[each.id],
                        change.hardware,
                        allocation=ways[each.id],
                        spread=each.spread,
                    )
                    for each in candidates
                }
            then = _Costs.of(change.hardware, candidates, placements)
        except PcsimError as error:
            reason = str(error)
    latency: dict[str, float] = {}
    energy: dict[str, float] = {}
    area = None
    if then is not None:
        for each in candidates:
            latency[each.rule] = then.cycles[each.id] / now.cycles[each.id]
            energy[each.rule] = then.energy_j[each.id] / now.energy_j[each.id]
        if then.area_mm2 is not None and now.area_mm2:
            area = then.area_mm2 / now.area_mm2
    return Lever(
        resource.path, what, (change.setting,), change.unlimited, latency, energy, area, reason
    )


def _from_to(change: _Change) -> str:
    """``32 to 64 B/cycle``: the unit stands once where both have it."""
    before, after = str(change.before), str(change.after)
    unit = before.partition(" ")[2]
    if unit and after.partition(" ")[2] == unit:
        before = before.partition(" ")[0]
    return f"{before} to {after}"
