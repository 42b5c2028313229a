"""When does each task run? A discrete-event simulation of one update on one chip.

Every unit is one named SimPy process that works through its queue in order: it waits until what the
task needs is there, occupies itself for the task's cycles, and hands on. The clock is an integer. The
state of the simulation is one counter of ended instances per task, so its size does not grow with the
number of inference steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from typing import Any

import simpy
from simpy.events import Event

from pcsim.config import Hardware
from pcsim.errors import DeadlockError
from pcsim.machine.activity import Activity, Count, UnitTime
from pcsim.machine.lower import Lowered, lower
from pcsim.machine.network import Network
from pcsim.placement import PHASES, Placement, TaskKind, Tasks, Unit

SETUP, START, STEP, FINISH = (PHASES.index(phase) for phase in PHASES)

WAIT_KIND = {
    TaskKind.PRODUCT: "array",
    TaskKind.ELEMENTWISE: "vector",
    TaskKind.UPDATE: "update",
    TaskKind.TRANSFER: "noc",
    TaskKind.DRAM_READ: "dram",
    TaskKind.DRAM_WRITE: "dram",
}
"""What a unit is said to wait for when it waits for the end of such a task."""


def simulate(placement: Placement, hardware: Hardware, *, cold: bool = False) -> Activity:
    """Run one update and return what every unit did.

    Without ``cold`` the machine starts drained, with weights resident and this batch prefetched: the
    steady state, whose makespan is the period of updates. With ``cold`` weights and batch come from
    DRAM first.

    Raises:
        DeadlockError: some unit waits for what never comes; names who waits for whom, since when.
    """
    return _Chip(placement.tasks, hardware, cold=cold).run(placement, hardware)


class _Chip:
    """One simulated chip. Its life: built with full queues, ``run`` once, then only read."""

    def __init__(self, tasks: Tasks, hardware: Hardware, *, cold: bool) -> None:
        self.tasks = tasks
        self.cold = cold
        self.env = simpy.Environment()
        hop_cycles = hardware.noc.router_latency_cycles + hardware.noc.link_latency_cycles
        self.network = Network(self.env, hop_cycles=hop_cycles)
        self.lowered: Lowered = lower(tasks, hardware)
        self.kind: list[int] = tasks.kind.tolist()
        self.phase: list[int] = tasks.phase.tolist()
        self.first: list[int] = tasks.first_step.tolist()
        self.instances: list[int] = tasks.instances().tolist()
        self.route: list[int] = tasks.route.tolist()
        starts, needed, back = (
            array.tolist() for array in (tasks.needs_start, tasks.needs_task, tasks.needs_back)
        )
        self.needs: list[list[tuple[int, int]]] = [
            list(zip(needed[a:b], back[a:b], strict=True)) for a, b in itertools.pairwise(starts)
        ]
        # In the steady state what SETUP brings is there already.
        self.ended = [0 if cold or phase != SETUP else 1 for phase in self.phase]
        self.waiters: list[list[tuple[int, Event]]] = [[] for _ in self.phase]
        self.busy = [0] * len(tasks.units)
        self.stalled: list[dict[str, int]] = [{} for _ in tasks.units]
        self.last_end = [0] * len(tasks.units)
        self.waiting: dict[int, tuple[int, int, int, int]] = {}
        """Unit -> (task, step, needed task, since), while it waits."""
        self.queues: list[list[list[int]]] = [[[] for _ in PHASES] for _ in tasks.units]
        for task, unit in enumerate(tasks.unit.tolist()):
            self.queues[unit][self.phase[task]].append(task)

    def run(self, placement: Placement, hardware: Hardware) -> Activity:
        processes = [self.env.process(self._unit(unit)) for unit in range(len(self.queues))]
        self.env.run()
        if any(process.is_alive for process in processes):
            raise DeadlockError(self._who_waits())
        return self._activity(placement, hardware)

    # The life of a unit.

    def _queue(self, unit: int) -> Iterator[tuple[int, int]]:
        """(task, step) in the order in which the unit takes them; step is 0 outside STEP."""
        queue = self.queues[unit]
        if self.cold:
            yield from ((task, 0) for task in queue[SETUP])
        yield from ((task, 0) for task in queue[START])
        for step in range(1, self.tasks.steps + 1):
            for task in queue[STEP]:
                if self.first[task] <= step:
                    yield task, step
        yield from ((task, 0) for task in queue[FINISH])

    def _unit(self, unit: int) -> Generator[Event, Any, None]:
        env, lowered = self.env, self.lowered
        for task, step in self._queue(unit):
            for need, back in self.needs[task]:
                count = self._count_needed(task, step, need, back)
                if self.ended[need] < count:
                    since = int(env.now)
                    self.waiting[unit] = (task, step, need, since)
                    arrived = env.event()
                    self.waiters[need].append((count, arrived))
                    yield arrived
                    del self.waiting[unit]
                    self._stall(unit, WAIT_KIND[TaskKind(self.kind[need])], int(env.now) - since)
            if lowered.busy[task]:
                yield env.timeout(lowered.busy[task])
                self.busy[unit] += lowered.busy[task]
            if self.kind[task] == TaskKind.TRANSFER:
                yield from self._transfer(unit, task, step)
            else:
                self._end_after(task, lowered.delay[task])
            self.last_end[unit] = int(env.now)

    def _transfer(self, unit: int, task: int, step: int) -> Generator[Event, Any, None]:
        """Wait for the network, then feed it; the channel is free when the tail has left."""
        flits = self.lowered.flits[task]
        route = self.tasks.routes[self.route[task]]
        flight = self.network.flight_cycles(route, flits)
        if not flits:
            # A free link carries any size at once; there is nothing to arbitrate.
            self._end_after(task, flight)
            return
        asked = int(self.env.now)
        key = (int(self.tasks.layer[task]), task, step)
        start = yield self.network.request(key, route, flits)
        self._stall(unit, "noc", start - asked)
        self._end_after(task, start - asked + flight)
        yield self.env.timeout(start - asked + flits)
        self.busy[unit] += flits

    def _count_needed(self, task: int, step: int, need: int, back: int) -> int:
        """How many instances of ``need`` must have ended before this instance may start."""
        if self.phase[task] == STEP and self.phase[need] == STEP:
            return min(max(step - back - self.first[need] + 1, 0), self.instances[need])
        return self.instances[need]

    def _stall(self, unit: int, kind: str, cycles: int) -> None:
        if cycles:
            self.stalled[unit][kind] = self.stalled[unit].get(kind, 0) + cycles

    def _end_after(self, task: int, cycles: int) -> None:
        if not cycles:
            self._end(task)
            return
        arrival = self.env.timeout(cycles)
        assert arrival.callbacks is not None
        arrival.callbacks.append(lambda _: self._end(task))

    def _end(self, task: int) -> None:
        """One more instance of ``task`` has ended; wake who waited for it."""
        self.ended[task] += 1
        if self.waiters[task]:
            still = []
            for count, event in self.waiters[task]:
                if count <= self.ended[task]:
                    event.succeed()
                else:
                    still.append((count, event))
            self.waiters[task] = still

    # What is left to read afterwards.

    def unit_name(self, unit: Unit) -> str:
        mesh = self.tasks.mesh
        if unit.node >= mesh.tiles:
            name = f"dram[{unit.node - mesh.tiles}]"
            return name if unit.kind == "dram" else f"{name}.{unit.kind}"
        row, column = divmod(unit.node, mesh.columns)
        channel = f".{unit.channel}" if unit.channel else ""
        return f"tile[{row},{column}].{unit.kind}{channel}"

    def _who_waits(self) -> str:
        lines = ["the chip stopped before its work was done:"]
        for unit, (task, step, need, since) in sorted(self.waiting.items()):
            name = self.unit_name(self.tasks.units[unit])
            other = self.unit_name(self.tasks.units[int(self.tasks.unit[need])])
            at = f" in step {step}" if step else ""
            lines.append(
                f"  {name} waits since cycle {since} to run {self.tasks.names[task]}{at}, "
                f"for {self.tasks.names[need]} of {other}"
            )
        return "\n".join(lines)

    def _activity(self, placement: Placement, hardware: Hardware) -> Activity:
        tasks, makespan = self.tasks, int(self.env.now)
        units = tuple(
            UnitTime(
                self.unit_name(unit),
                unit.kind,
                unit.node if unit.node < tasks.mesh.tiles else -1,
                self.busy[index],
                dict(sorted(self.stalled[index].items())),
                makespan - self.last_end[index],
            )
            for index, unit in enumerate(tasks.units)
        )
        counts: dict[Count, int] = {}
        link_bytes: dict[tuple[int, int], int] = {}
        noc_bytes = macs = 0
        layers, stages, sizes = (
            tasks.layer.tolist(),
            tasks.stage.tolist(),
            tasks.size_bytes.tolist(),
        )
        for task, instances in enumerate(self.instances):
            if self.phase[task] == SETUP and not self.cold:
                continue
            stage = tasks.stages[stages[task]]
            for component, action, amount in self.lowered.actions[task]:
                if amount:
                    key = Count(component, action, layers[task], stage)
                    counts[key] = counts.get(key, 0) + instances * amount
            macs += instances * self.lowered.macs[task]
            if self.kind[task] == TaskKind.TRANSFER:
                route, moved = tasks.routes[self.route[task]], instances * sizes[task]
                for link in route.links:
                    if link.kind == "mesh":
                        ends = (link.source, link.target)
                        link_bytes[ends] = link_bytes.get(ends, 0) + moved
                if max(route.source, *route.targets) < tasks.mesh.tiles:
                    noc_bytes += moved * route.copies

        def total(component: str) -> int:
            wanted = ("read_byte", "write_byte")
            return sum(
                amount
                for key, amount in counts.items()
                if key.component == component and key.action in wanted
            )

        array = hardware.tiles.compute
        return Activity(
            makespan_cycles=makespan,
            counts={key: amount for key, amount in sorted(counts.items()) if amount},
            units=units,
            link_bytes=dict(sorted(link_bytes.items())),
            peak_bytes=placement.peak_bytes,
            noc_bytes=noc_bytes,
            dram_bytes=total("dram"),
            sram_bytes=total("sram"),
            macs=macs,
            array_cells=array.rows * array.cols * tasks.mesh.tiles,
        )
