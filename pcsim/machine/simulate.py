"""When does each task run? A discrete-event simulation of one update on one chip.

Every unit is one named SimPy process that works through its queue in order: it waits until what the
task needs is there, occupies itself for the task's cycles, and hands on. The clock is an integer. The
state of the simulation is one counter of ended instances per task, so its size does not grow with the
number of inference steps or micro-batches.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from heapq import merge
from typing import Any

import simpy
from simpy.events import Event

from pcsim.config import Hardware
from pcsim.errors import DeadlockError
from pcsim.machine.activity import Activity, Count, UnitTime
from pcsim.machine.lower import Lowered, lower
from pcsim.machine.network import Network
from pcsim.machine.window import Window
from pcsim.placement import PHASES, Link, Mesh, Placement, Route, TaskKind, Tasks, Unit
from pcsim.program import IN_TURN

SETUP, START, *_ = (PHASES.index(phase) for phase in PHASES)

DRAM = (TaskKind.DRAM_READ, TaskKind.DRAM_WRITE)

WAIT_KIND: dict[int, str] = {
    TaskKind.PRODUCT: "array",
    TaskKind.ELEMENTWISE: "vector",
    TaskKind.UPDATE: "update",
    TaskKind.TRANSFER: "noc",
    TaskKind.DRAM_READ: "dram",
    TaskKind.DRAM_WRITE: "dram",
    TaskKind.WEIGHTS: "dram",
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
    chip = _Chip(placement.tasks, hardware, placement.windows, cold=cold)
    return chip.run(placement, hardware)


class Ready(Event):
    """A task's wait for its needs and its work, in one event.

    Its life: created by the unit that will run the task; ``met`` is called as each of ``missing``
    needs ends; ``work_cycles`` after the last of them it is processed and its unit goes on.
    """

    def __init__(self, env: simpy.Environment, work_cycles: int) -> None:
        super().__init__(env)
        self.work_cycles = work_cycles
        self.missing = 0
        self.last_need = -1

    def met(self, need: int) -> None:
        self.missing -= 1
        if not self.missing:
            self.last_need = need
            self._ok = True
            self._value = None
            self.env.schedule(self, delay=self.work_cycles)


def _channels(mesh: Mesh) -> dict[int, Route]:
    """Each DRAM channel by its node, as a way of one link."""
    nodes = [mesh.dram_node(channel) for channel in range(mesh.channels)]
    return {node: Route(node, (), (Link("dram", node, node),), (0,), 0, 0) for node in nodes}


class _Chip:
    """One simulated chip. Its life: built with full queues, ``run`` once, then only read."""

    def __init__(
        self, tasks: Tasks, hardware: Hardware, windows: Mapping[int, int], *, cold: bool
    ) -> None:
        self.tasks = tasks
        self.cold = cold
        self.env = simpy.Environment()
        hop_cycles = hardware.noc.router_latency_cycles + hardware.noc.link_latency_cycles
        self.network = Network(self.env, hop_cycles=hop_cycles)
        self.lowered: Lowered = lower(tasks, hardware)
        self.kind: list[int] = tasks.kind.tolist()
        self.layer: list[int] = tasks.layer.tolist()
        self.phase: list[int] = tasks.phase.tolist()
        self.first: list[int] = tasks.first.tolist()
        self.last: list[int] = tasks.last.tolist()
        self.turn: list[int] = tasks.turn.tolist()
        self.instances: list[int] = tasks.instances().tolist()
        self.route: list[int] = tasks.route.tolist()
        # In the steady state what SETUP brings is there already.
        self.ended = [0 if cold or phase != SETUP else 1 for phase in self.phase]
        self.waiters: list[list[tuple[int, Ready]]] = [[] for _ in self.phase]
        self.moving_needs: list[list[tuple[int, int]]] = []
        """Per task (task, instances that must have ended minus the own instance)."""
        self.fixed_needs: list[list[int]] = []
        """Per task those of which all instances must have ended before its first."""
        self._split_needs()
        self.busy = [0] * len(tasks.units)
        self.stalled: list[dict[str, int]] = [{} for _ in tasks.units]
        self.last_end = [0] * len(tasks.units)
        self.waiting: dict[int, tuple[int, int, int, int]] = {}
        """Unit -> (task, instance, since, a task it waits for), while it waits."""
        self.windows = {tile: Window(size) for tile, size in windows.items()}
        self.loads: dict[int, int] = {}
        """Task of kind WEIGHTS -> how often weights were not there."""
        self.last_use: dict[tuple[int, int], tuple[int, int]] = {}
        """(Loading unit, layer) -> the task that used the weights last and how often it has ended then."""
        self.channels = _channels(tasks.mesh) if windows else {}
        """DRAM channels as links, where loads that nobody foresaw compete for them."""
        self.setup_cycles = hardware.tiles.dma.setup_cycles
        self.queues: list[list[list[int]]] = [[[] for _ in PHASES] for _ in tasks.units]
        for task, unit in enumerate(tasks.unit.tolist()):
            self.queues[unit][self.phase[task]].append(task)

    def _split_needs(self) -> None:
        starts, needed, back = (
            array.tolist()
            for array in (self.tasks.needs_start, self.tasks.needs_task, self.tasks.needs_back)
        )
        for task, first in enumerate(self.first):
            moving, fixed = [], []
            for at in range(starts[task], starts[task + 1]):
                need = needed[at]
                base = 1 - back[at] - self.first[need]
                if first + base >= self.instances[need]:
                    fixed.append(need)
                else:
                    moving.append((need, base))
            self.moving_needs.append(moving)
            self.fixed_needs.append(fixed)

    def run(self, placement: Placement, hardware: Hardware) -> Activity:
        if not self.cold:
            self._fill_windows()
        processes = [self.env.process(self._unit(unit)) for unit in range(len(self.queues))]
        self.env.run()
        if any(process.is_alive for process in processes):
            raise DeadlockError(self._who_waits())
        return self._activity(placement, hardware)

    # The life of a unit.

    def _queue(self, unit: int) -> Iterator[tuple[int, int]]:
        """(task, instance) in the order in which the unit takes them: phase by phase, in turn."""
        queue = self.queues[unit]
        for tasks in queue if self.cold else queue[START:]:
            turns = {self.turn[task] for task in tasks}
            if any(self.tasks.turns[turn] != IN_TURN for turn in turns):
                yield from self._in_turn(tasks)
                continue
            # All turns alike: instance by instance.
            begin = min((self.first[task] for task in tasks), default=1)
            end = max((self.last[task] for task in tasks), default=0)
            for instance in range(begin, end + 1):
                for task in tasks:
                    if self.first[task] <= instance <= self.last[task]:
                        yield task, instance

    def _in_turn(self, tasks: list[int]) -> Iterator[tuple[int, int]]:
        """Instances of several tasks merged by their turns; of equal turns the first in the queue first."""

        def instances(task: int) -> Iterator[tuple[tuple[int, int, int], int, int]]:
            turn = self.tasks.turns[self.turn[task]]
            for instance in range(self.first[task], self.last[task] + 1):
                yield turn.key(instance), task, instance

        for _, task, instance in merge(*(instances(task) for task in tasks)):
            yield task, instance

    def _unit(self, unit: int) -> Generator[Event, Any, None]:
        env, busy, delay = self.env, self.lowered.busy, self.lowered.delay
        for task, instance in self._queue(unit):
            if self.kind[task] == TaskKind.WEIGHTS:
                yield from self._load(unit, task, instance)
                self.last_end[unit] = int(env.now)
                continue
            shared = self.channels and self.kind[task] in DRAM
            work = 0 if shared else busy[task]
            unmet = self._unmet(task, instance)
            if unmet:
                since = int(env.now)
                ready = Ready(env, work)
                for need, count in unmet:
                    ready.missing += 1
                    self.waiters[need].append((count, ready))
                self.waiting[unit] = (task, instance, since, unmet[0][0])
                yield ready
                del self.waiting[unit]
                reason = WAIT_KIND[self.kind[ready.last_need]]
                self._stall(unit, reason, int(env.now) - work - since)
            elif work:
                yield env.timeout(work)
            if shared:
                asked, work = int(env.now), busy[task]
                yield from self._read(unit, task, instance)
                self._stall(unit, "dram", int(env.now) - work - asked)
            self.busy[unit] += work
            if self.kind[task] == TaskKind.TRANSFER:
                yield from self._transfer(unit, task, instance)
            else:
                self._end_after(task, delay[task])
            self.last_end[unit] = int(env.now)

    # Weights that stream through a tile's window.

    def _fill_windows(self) -> None:
        """In the steady state a window holds what the update before left in it."""
        for unit, of in enumerate(self.tasks.units):
            if of.kind == "dma" and of.channel == "weights":
                for task, _ in self._queue(unit):
                    size = int(self.tasks.size_bytes[task])
                    self.windows[of.node].use(self.layer[task], size)

    def _load(self, unit: int, task: int, instance: int) -> Generator[Event, Any, None]:
        """Go on at once if the weights are there; else bring them when their place is free."""
        window = self.windows[self.tasks.units[unit].node]
        size = int(self.tasks.size_bytes[task])
        pushed_out = window.use(self.layer[task], size)
        user = self.tasks.users[task]
        last_uses, self.last_use[unit, self.layer[task]] = (
            [self.last_use.get((unit, layer)) for layer in pushed_out or ()],
            (user, instance - self.first[user] + 1),
        )
        if pushed_out is None:
            self._end(task)
            return
        self.loads[task] = self.loads.get(task, 0) + 1
        asked = int(self.env.now)
        for use in last_uses:
            if use is not None and self.ended[use[0]] < use[1]:
                ready = Ready(self.env, 0)
                ready.missing = 1
                self.waiters[use[0]].append((use[1], ready))
                self.waiting[unit] = (task, instance, int(self.env.now), use[0])
                yield ready
                del self.waiting[unit]
        self._stall(unit, "array", int(self.env.now) - asked)
        asked = int(self.env.now)
        yield from self._read(unit, task, instance)
        if self.lowered.delay[task] + self.setup_cycles:
            yield self.env.timeout(self.lowered.delay[task] + self.setup_cycles)
        self._stall(unit, "dram", int(self.env.now) - asked - self.setup_cycles)
        self.busy[unit] += self.setup_cycles
        yield from self._transfer(unit, task, instance)

    def _read(self, unit: int, task: int, instance: int) -> Generator[Event, Any, None]:
        """Occupy the DRAM channel that ``task`` reads from or writes to; others may be in the way."""
        if cycles := self.lowered.busy[task]:
            kind = self.kind[task]
            node = (
                self.tasks.routes[self.route[task]].source
                if kind == TaskKind.WEIGHTS
                else self.tasks.units[unit].node
            )
            yield self.network.request(
                (self.layer[task], task, instance), self.channels[node], cycles
            )

    def _transfer(self, unit: int, task: int, instance: int) -> Generator[Event, Any, None]:
        """Wait for the network, then feed it; the channel is free when the tail has left."""
        flits = self.lowered.flits[task]
        if task in self.lowered.flits_of:
            flits = self.lowered.flits_of[task][instance - self.first[task]]
        route = self.tasks.routes[self.route[task]]
        flight = self.network.flight_cycles(route, flits)
        if not flits:
            # A free link carries any size at once; there is nothing to arbitrate.
            self._end_after(task, flight)
            return
        asked = int(self.env.now)
        key = (self.layer[task], task, instance)
        sent = self.network.request(key, route, flits)
        sent.on_start = lambda wait: self._end_after(task, wait + flight)
        yield sent
        self._stall(unit, "noc", int(self.env.now) - flits - asked)
        self.busy[unit] += flits

    def _unmet(self, task: int, instance: int) -> list[tuple[int, int]]:
        """What this instance still waits for: (task, how many of its instances must have ended)."""
        ended, instances = self.ended, self.instances
        unmet = []
        for need, base in self.moving_needs[task]:
            count = min(instance + base, instances[need])
            if ended[need] < count:
                unmet.append((need, count))
        if instance == self.first[task]:  # Afterwards they have ended for good.
            for need in self.fixed_needs[task]:
                if ended[need] < instances[need]:
                    unmet.append((need, instances[need]))
        return unmet

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
        """One more instance of ``task`` has ended; tell who waits for it."""
        self.ended[task] = ended = self.ended[task] + 1
        waiters = self.waiters[task]
        if waiters:
            self.waiters[task] = [waiter for waiter in waiters if waiter[0] > ended]
            for count, ready in waiters:
                if count <= ended:
                    ready.met(task)

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
        for unit, (task, instance, since, need) in sorted(self.waiting.items()):
            name = self.unit_name(self.tasks.units[unit])
            other = self.unit_name(self.tasks.units[int(self.tasks.unit[need])])
            at = f" ({instance} of {self.last[task]})" if self.instances[task] > 1 else ""
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
        stages, sizes = tasks.stage.tolist(), tasks.size_bytes.tolist()
        for task, instances in enumerate(self.instances):
            if self.phase[task] == SETUP and not self.cold:
                continue
            stage = tasks.stages[stages[task]]
            if self.kind[task] == TaskKind.WEIGHTS:
                instances = self.loads.get(task, 0)
            times, actions = instances, self.lowered.actions[task]
            if task in self.lowered.all_actions:
                times, actions = 1, self.lowered.all_actions[task]
            for component, action, amount in actions:
                if amount:
                    key = Count(component, action, self.layer[task], stage)
                    counts[key] = counts.get(key, 0) + times * amount
            macs += instances * self.lowered.macs[task]
            if self.kind[task] in (TaskKind.TRANSFER, TaskKind.WEIGHTS):
                route = tasks.routes[self.route[task]]
                moved = sum(tasks.varying.get(task, ())) or instances * sizes[task]
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
