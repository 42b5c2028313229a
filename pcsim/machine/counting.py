"""What did a simulated update add up to? Counts of templates times instances, and how units spent the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pcsim.config import Hardware
from pcsim.machine.activity import Activity, Count, UnitTime
from pcsim.machine.lower import Lowered
from pcsim.machine.units import form_of
from pcsim.placement import BETWEEN_ROUTERS, SETUP, Placement, TaskKind, Tasks, Unit


@dataclass(frozen=True)
class Times:
    """What only a simulation can know: its length, and of each unit how it spent it.

    ``gated`` are the cycles in which each was cut from its supply up to its last task; ``loads`` are how often
    each task of kind WEIGHTS did not find them; ``cold`` whether the machine started empty.
    """

    makespan: int
    busy: Sequence[int]
    stalled: Sequence[Mapping[str, int]]
    gated: Sequence[int]
    last_end: Sequence[int]
    loads: Mapping[int, int]
    cold: bool


def activity_of(
    placement: Placement, hardware: Hardware, lowered: Lowered, times: Times
) -> Activity:
    """Counts and times of one simulated update."""
    tasks = placement.tasks
    units = tuple(
        UnitTime(
            unit_name(tasks, unit),
            unit.kind,
            unit.node if unit.node < tasks.mesh.tiles else -1,
            times.busy[index],
            dict(sorted(times.stalled[index].items())),
            times.makespan - times.last_end[index],
        )
        for index, unit in enumerate(tasks.units)
    )
    ran = _ran(tasks, times)
    counts = _counts(tasks, lowered, ran)
    link_bytes, noc_bytes = _traffic(tasks, ran)

    def moved(component: str) -> int:
        wanted = ("read_byte", "write_byte")
        return sum(
            amount
            for key, amount in counts.items()
            if key.component == component and key.action in wanted
        )

    tiles = hardware.tiles
    return Activity(
        makespan_cycles=times.makespan,
        counts={key: amount for key, amount in sorted(counts.items()) if amount},
        units=units,
        link_bytes=dict(sorted(link_bytes.items())),
        peak_bytes=placement.peak_bytes,
        noc_bytes=noc_bytes,
        dram_bytes=moved("dram"),
        sram_bytes=moved("sram"),
        macs=sum(often * macs for often, macs in zip(ran, lowered.macs, strict=True)),
        gated_cycles=_gated(tasks, hardware, times),
        buffer_bytes=moved("buffer"),
        peak_buffer_bytes=placement.buffer_bytes,
        array_cells=form_of(tiles.compute).peak(tiles.compute, hardware)
        * tiles.compute_units
        * tasks.mesh.tiles,
    )


def _gated(tasks: Tasks, hardware: Hardware, times: Times) -> dict[str, int]:
    """Unit cycles without supply on the whole chip: before the last task, after it, and of units without any."""
    sums: dict[str, int] = {}
    for kind, gate in hardware.tiles.gates().items():
        mine = [index for index, unit in enumerate(tasks.units) if unit.kind == kind]
        idle = hardware.tiles.units(kind) - len(mine)
        ends = [times.last_end[index] for index in mine] + [0] * idle
        after = sum(max(0, times.makespan - end - gate.after_cycles) for end in ends)
        sums[kind] = sum(times.gated[index] for index in mine) + after
    return sums


def unit_name(tasks: Tasks, unit: Unit) -> str:
    """What reports call a unit: tile[row,column].kind.channel, dram[channel] or buffer."""
    mesh = tasks.mesh
    if unit.node >= mesh.tiles:
        in_buffer = mesh.buffers and unit.node == mesh.buffer_node
        name = "buffer" if in_buffer else f"dram[{unit.node - mesh.tiles}]"
        if unit.kind == "dma":
            return f"{name}.dma"
        return f"{name}.{unit.channel}" if unit.channel else name
    row, column = divmod(unit.node, mesh.columns)
    channel = f".{unit.channel}" if unit.channel else ""
    return f"tile[{row},{column}].{unit.kind}{channel}"


def _ran(tasks: Tasks, times: Times) -> list[int]:
    """How often each task really did its work."""
    ran = []
    columns = (tasks.instances().tolist(), tasks.phase.tolist(), tasks.kind.tolist())
    for task, (instances, phase, kind) in enumerate(zip(*columns, strict=True)):
        if kind == TaskKind.WEIGHTS:
            instances = times.loads.get(task, 0)
        ran.append(instances if times.cold or phase != SETUP else 0)
    return ran


def _counts(tasks: Tasks, lowered: Lowered, ran: Sequence[int]) -> dict[Count, int]:
    counts: dict[Count, int] = {}
    layers, stages = tasks.layer.tolist(), tasks.stage.tolist()
    for task, often in enumerate(ran):
        if not often:
            continue
        actions = lowered.actions[task]
        if task in lowered.all_actions:
            often, actions = 1, lowered.all_actions[task]
        for component, action, amount in actions:
            if amount:
                key = Count(component, action, layers[task], tasks.stages[stages[task]])
                counts[key] = counts.get(key, 0) + often * amount
    return counts


def _traffic(tasks: Tasks, ran: Sequence[int]) -> tuple[dict[tuple[int, int], int], int]:
    """Bytes over each link between routers, and bytes delivered from tile to tile."""
    link_bytes: dict[tuple[int, int], int] = {}
    delivered = 0
    kinds, routes, sizes = tasks.kind.tolist(), tasks.route.tolist(), tasks.size_bytes.tolist()
    for task, often in enumerate(ran):
        if kinds[task] not in (TaskKind.TRANSFER, TaskKind.WEIGHTS) or not often:
            continue
        route = tasks.routes[routes[task]]
        moved = sum(tasks.varying[task]) if task in tasks.varying else often * sizes[task]
        for link in route.links:
            if link.kind in BETWEEN_ROUTERS:
                ends = (link.source, link.target)
                link_bytes[ends] = link_bytes.get(ends, 0) + moved
        if max(route.source, *route.targets) < tasks.mesh.tiles:
            delivered += moved * route.copies
    return link_bytes, delivered
