"""When does each task run? A discrete-event simulation of one update on one chip.

Every unit works through its queue in order: it waits until what the task needs is there, occupies itself
for the task's cycles, and hands on. SimPy keeps the clock, which is an integer, and calls back when a
piece of work ends; only loads of streamed weights, whose course depends on what is there, are processes
of their own. The state is one counter of ended instances per task, so its size does not grow with the
number of inference steps or micro-batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Mapping
from functools import partial
from typing import Any

import simpy
from simpy.events import Event

from pcsim.config import Hardware
from pcsim.errors import DeadlockError
from pcsim.machine.activity import Activity
from pcsim.machine.counting import Times, activity_of, unit_name
from pcsim.machine.lower import Lowered, comes_from_buffer, lower
from pcsim.machine.network import Network
from pcsim.machine.queues import SETUP, Needs, Queue, queues_of
from pcsim.machine.recording import Recorder
from pcsim.machine.window import Window
from pcsim.placement import Link, Placement, Route, TaskKind, Tasks, Topology

WAIT_KIND: dict[int, str] = {
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

AT_HOME = (
    TaskKind.DRAM_READ,
    TaskKind.DRAM_WRITE,
    TaskKind.BUFFER_READ,
    TaskKind.BUFFER_WRITE,
)
"""Accesses to where weights live, among which loads come that nobody foresaw."""


def simulate(
    placement: Placement,
    hardware: Hardware,
    *,
    cold: bool = False,
    recorder: Recorder | None = None,
) -> Activity:
    """Run one update and return what every unit did.

    Without ``cold`` the machine starts drained, with weights resident and this batch prefetched: the
    steady state, whose makespan is the period of updates. With ``cold`` weights and batch come from
    DRAM first. A ``recorder`` is told when each operation ran.

    Raises:
        DeadlockError: some unit waits for what never comes; names who waits for whom, since when.
    """
    chip = _Chip(placement.tasks, hardware, placement.windows, cold=cold, recorder=recorder)
    chip.run()
    makespan = max(chip.env.now, *chip.free_at)  # A tail is there before its source is free.
    times = Times(makespan, chip.busy, chip.stalled, chip.gated, chip.free_at, chip.loads, cold)
    return activity_of(placement, hardware, chip.lowered, times)


class Clock(simpy.Environment):
    """SimPy's environment, whose time is a whole number of cycles because all delays are."""

    @property
    def now(self) -> int:
        return self._now  # type: ignore[return-value]


class Work(Event):
    """A unit's work in progress: processed when it ends.

    Its life: created when the unit begins the task; at its end it calls back with itself.
    """

    def __init__(self, env: simpy.Environment, callback: Any, cycles: int, unit: int) -> None:
        self.env = env
        self.callbacks = [callback]
        self.unit = unit
        self._ok = True
        self._value = None
        env.schedule(self, delay=cycles)


class Arrival(Event):
    """A result on its way: processed when it is there, and ``task`` has ended once more."""

    def __init__(self, env: simpy.Environment, callback: Any, cycles: int, task: int) -> None:
        self.env = env
        self.callbacks = [callback]
        self.task = task
        self._ok = True
        self._value = None
        env.schedule(self, delay=cycles)


def _channels(mesh: Topology) -> dict[int, Route]:
    """Each DRAM channel, and the global buffer, by its node, as a way of one link."""
    return {
        node: Route(
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
    }


class _Chip:
    """One simulated chip. Its life: built with full queues, ``run`` once, then only read.

    A unit is a number. It is waiting (``missing`` needs of its current task), working (an event will call
    it back), or done (its queue is empty).
    """

    def __init__(
        self,
        tasks: Tasks,
        hardware: Hardware,
        windows: Mapping[int, int],
        *,
        cold: bool,
        recorder: Recorder | None,
    ) -> None:
        self.tasks = tasks
        self.recorder = recorder
        self.env = Clock()
        self.network = Network(
            self.env,
            router_cycles=hardware.noc.router_latency_cycles,
            link_cycles=hardware.noc.link_latency_cycles,
        )
        self.lowered: Lowered = lower(tasks, hardware)
        self.kind: list[int] = tasks.kind.tolist()
        self.layer: list[int] = tasks.layer.tolist()
        self.first: list[int] = tasks.first.tolist()
        self.instances: list[int] = tasks.instances().tolist()
        self.routes: list[Route | None] = [
            tasks.routes[route] if route >= 0 else None for route in tasks.route.tolist()
        ]
        # In the steady state what SETUP brings is there already.
        self.ended = [int(not cold and phase == SETUP) for phase in tasks.phase.tolist()]
        self.needs = Needs.of(tasks)
        self.waiters: list[list[tuple[int, int]]] = [[] for _ in self.kind]
        """Per task who waits for it: (how often it must have ended, unit)."""
        units = len(tasks.units)
        self.queues: list[Queue] = queues_of(tasks, cold=cold)
        self.taking: list[Iterator[tuple[int, int]]] = [queue.turns() for queue in self.queues]
        self.task = [-1] * units
        self.instance = [0] * units
        self.missing = [0] * units
        self.free_at = [0] * units
        """When the unit is free for its current task, or was after its last."""
        self.last_need = [-1] * units
        self.last_met = [0] * units
        self.busy = [0] * units
        self.stalled: list[dict[str, int]] = [{} for _ in tasks.units]
        self.gates = hardware.tiles.gates()
        self.gated = [0] * units
        """Cycles in which a unit was cut from its supply, up to its last task."""
        self.done = [False] * units
        self.ready: deque[int] = deque()
        """Units whose needs have been met and that have not begun yet."""
        self.windows = {tile: Window(size) for tile, size in windows.items()}
        self.loads: dict[int, int] = {}
        """Task of kind WEIGHTS -> how often weights were not there."""
        self.last_use: dict[tuple[int, int], tuple[int, int]] = {}
        """(Loading unit, layer) -> the task that used the weights last and how often it has ended then."""
        self.told: dict[int, list[Event]] = {}
        """Task -> events of loads that wait until it has ended once more."""
        self.channels = _channels(tasks.mesh) if windows else {}
        """DRAM channels and the global buffer as links, where loads that nobody foresaw compete for them."""
        self.wait_kind = [WAIT_KIND[kind] for kind in self.kind]
        for task in tasks.users:
            if comes_from_buffer(tasks, int(tasks.route[task])):
                self.wait_kind[task] = "buffer"
        self.setup_cycles = hardware.tiles.dma.setup_cycles
        if not cold:
            self._fill_windows()

    def run(self) -> None:
        for unit in range(len(self.queues)):
            self._take_next(unit, 0)
        self._begin_ready()
        self.env.run()
        if not all(self.done):
            raise DeadlockError(self._who_waits())

    # The life of a unit: take, wait, begin, work, hand on. It takes its next task when it is known when
    # it will be free, and begins it when it is free and the needs are met, whichever is later.

    def _take_next(self, unit: int, free_at: int) -> None:
        """Take the next task of the queue for when the unit is free."""
        self.free_at[unit] = free_at
        taken = next(self.taking[unit], None)
        if taken is None:
            self.done[unit] = True
            return
        task, instance = taken
        self.task[unit] = task
        self.instance[unit] = instance
        ended, waiters, missing = self.ended, self.waiters, 0
        for need, base, most in self.needs.moving[task]:
            count = instance + base
            if count > most:
                count = most
            if ended[need] < count:
                waiters[need].append((count, unit))
                missing += 1
        if instance == self.first[task]:  # Afterwards they have ended for good.
            for need, most in self.needs.fixed[task]:
                if ended[need] < most:
                    waiters[need].append((most, unit))
                    missing += 1
        self.missing[unit] = missing
        if not missing:
            self.ready.append(unit)

    def _begin_ready(self) -> None:
        """Begin all tasks whose needs are met, and those that this in turn allows."""
        ready = self.ready
        while ready:
            self._begin(ready.popleft())

    def _begin(self, unit: int) -> None:
        task, now, begin = self.task[unit], self.env.now, self.free_at[unit]
        if now > begin:
            self._stall(unit, self.wait_kind[self.last_need[unit]], now - begin)
            begin = now
        kind = self.kind[task]
        cycles = self.lowered.busy[task]
        if kind == TaskKind.TRANSFER:
            self._work(unit, begin, cycles)
            self._send(unit, begin + cycles)
        elif kind == TaskKind.WEIGHTS:
            self.env.process(self._load(unit, task, self.instance[unit], begin))
        elif self.channels and kind in AT_HOME:
            self.env.process(self._use_channel(unit, task))
        else:
            woken = self._woken(unit, begin)
            self._work(unit, begin + woken, cycles)
            cycles += woken
            if cycles:
                Work(self.env, self._on_worked, cycles, unit)
            else:
                self._worked(unit)

    def _woken(self, unit: int, begin: int) -> int:
        """Cycles until the supply of ``unit`` is back, if it was cut while it was idle."""
        gate = self.gates.get(self.tasks.units[unit].kind)
        idle = begin - self.free_at[unit]
        if gate is None or idle <= gate.after_cycles:
            return 0
        self.gated[unit] += idle - gate.after_cycles
        self._stall(unit, "wake", gate.wake_cycles)
        return gate.wake_cycles

    def _work(self, unit: int, start: int, cycles: int) -> None:
        """Count, and write down where asked to, that ``unit`` works on its task from ``start`` on."""
        self.busy[unit] += cycles
        if self.recorder is not None:
            self.recorder.ran(self.task[unit], self.instance[unit], start, cycles)

    def _on_worked(self, work: Work) -> None:
        self._worked(work.unit)
        self._begin_ready()

    def _worked(self, unit: int) -> None:
        task = self.task[unit]
        delay = self.lowered.delay[task]
        if delay:
            Arrival(self.env, self._on_arrival, delay, task)
        else:
            self._end(task)
        self._take_next(unit, self.env.now)

    def _on_arrival(self, arrival: Arrival) -> None:
        self._end(arrival.task)
        self._begin_ready()

    def _end(self, task: int) -> None:
        """One more instance of ``task`` has ended; tell who waits for it."""
        self.ended[task] = ended = self.ended[task] + 1
        if self.told:
            for told in self.told.pop(task, ()):
                told.succeed()
        waiters = self.waiters[task]
        if not waiters:
            return
        now, missing = self.env.now, self.missing
        left = []
        for waiter in waiters:
            count, unit = waiter
            if count > ended:
                left.append(waiter)
                continue
            # Of needs met at one instant the last in the queue order counts as the last.
            if self.last_met[unit] != now or self.last_need[unit] < task:
                self.last_need[unit], self.last_met[unit] = task, now
            missing[unit] -= 1
            if not missing[unit]:
                self.ready.append(unit)
        self.waiters[task] = left

    def _stall(self, unit: int, kind: str, cycles: int) -> None:
        if cycles:
            self.stalled[unit][kind] = self.stalled[unit].get(kind, 0) + cycles

    # Transfers.

    def _send(self, unit: int, at: int) -> None:
        """Send from ``at`` on, as soon as the network lets; the channel is free when the tail has left."""
        task, instance = self.task[unit], self.instance[unit]
        route = self.routes[task]
        assert route is not None
        flits = self._flits(task, instance)
        if flits:
            key = (self.layer[task], task, instance)
            started = partial(self._on_start, unit, task, flits, at)
            self.network.ask(at, key, route, flits, started)
            return
        # A free link carries any size at once; there is nothing to arbitrate.
        self._end_at(task, at + self.network.flight_cycles(route, 0))
        self._take_next(unit, at)

    def _flits(self, task: int, instance: int) -> int:
        if task in self.lowered.flits_of:
            return self.lowered.flits_of[task][instance - self.first[task]]
        return self.lowered.flits[task]

    def _on_start(self, unit: int, task: int, flits: int, asked: int, start: int) -> None:
        """The network has said when a transfer starts: then all that follows is known."""
        route = self.routes[task]
        assert route is not None
        self._end_at(task, start + self.network.flight_cycles(route, flits))
        self._stall(unit, "noc", start - asked)
        self._work(unit, start, flits)
        self._take_next(unit, start + flits)
        self._begin_ready()

    def _end_at(self, task: int, time: int) -> None:
        cycles = time - self.env.now
        if cycles:
            Arrival(self.env, self._on_arrival, cycles, task)
        else:
            self._end(task)

    # Weights that stream through a tile's window.

    def _fill_windows(self) -> None:
        """In the steady state a window holds what the update before left in it."""
        for of, queue in zip(self.tasks.units, self.queues, strict=True):
            if of.kind == "dma" and of.channel == "weights":
                for task, _ in queue.turns():
                    size = int(self.tasks.size_bytes[task])
                    self.windows[of.node].use(self.layer[task], size)

    def _load(self, unit: int, task: int, instance: int, begin: int) -> Generator[Event, Any, None]:
        """From ``begin`` on: go on if the weights are there; else bring them when their place is free."""
        if begin > self.env.now:
            yield self.env.timeout(begin - self.env.now)
        window = self.windows[self.tasks.units[unit].node]
        size = int(self.tasks.size_bytes[task])
        pushed_out = window.use(self.layer[task], size)
        user = self.tasks.users[task]
        last_uses = [self.last_use.get((unit, layer)) for layer in pushed_out or ()]
        self.last_use[unit, self.layer[task]] = (user, instance - self.first[user] + 1)
        if pushed_out is not None:
            self.loads[task] = self.loads.get(task, 0) + 1
            yield from self._free(unit, last_uses)
            asked = self.env.now
            yield from self._occupy(task, self.tasks.routes[self.tasks.route[task]].source)
            if self.lowered.delay[task]:
                yield self.env.timeout(self.lowered.delay[task])
            self._stall(unit, self.wait_kind[task], self.env.now - asked)
            self._work(unit, self.env.now, self.setup_cycles)
            if self.setup_cycles:
                yield self.env.timeout(self.setup_cycles)
            self._send(unit, self.env.now)
        else:
            if self.recorder is not None:
                self.recorder.found(task, instance, self.env.now)
            self._end(task)
            self._take_next(unit, self.env.now)
        self._begin_ready()

    def _free(
        self, unit: int, last_uses: list[tuple[int, int] | None]
    ) -> Generator[Event, Any, None]:
        """Wait until what is pushed out of a window has been used for the last time."""
        asked = self.env.now
        for use in last_uses:
            if use is not None and self.ended[use[0]] < use[1]:
                self.last_need[unit] = use[0]
                while self.ended[use[0]] < use[1]:
                    yield self._told_of(use[0])
        self._stall(unit, "array", self.env.now - asked)

    def _told_of(self, task: int) -> Event:
        """Processed when ``task`` has ended once more."""
        told = self.env.event()
        self.told.setdefault(task, []).append(told)
        return told

    def _occupy(self, task: int, node: int) -> Generator[Event, Any, None]:
        """Occupy a DRAM channel or the global buffer; others may be in the way."""
        if cycles := self.lowered.busy[task]:
            key = (self.layer[task], task, self.ended[task])
            yield self.network.request(key, self.channels[node], cycles)

    def _use_channel(self, unit: int, task: int) -> Generator[Event, Any, None]:
        """An access to DRAM or the global buffer among loads that nobody foresaw."""
        asked, cycles = self.env.now, self.lowered.busy[task]
        yield from self._occupy(task, self.tasks.units[unit].node)
        start = self.env.now - cycles
        self._stall(unit, self.wait_kind[task], start - asked)
        self._work(unit, start, cycles)
        self._worked(unit)
        self._begin_ready()

    # What is said when nothing moves any more.

    def _unmet(self, unit: int) -> int:
        """A task that ``unit`` waits for."""
        task, instance = self.task[unit], self.instance[unit]
        for need, base, most in self.needs.moving[task]:
            if self.ended[need] < min(instance + base, most):
                return need
        for need, most in self.needs.fixed[task]:
            if self.ended[need] < most:
                return need
        return self.last_need[unit]

    def _who_waits(self) -> str:
        lines = ["the chip stopped before its work was done:"]
        for unit, done in enumerate(self.done):
            if done:
                continue
            task, instance = self.task[unit], self.instance[unit]
            need = self._unmet(unit)
            name = unit_name(self.tasks, self.tasks.units[unit])
            other = unit_name(self.tasks, self.tasks.units[int(self.tasks.unit[need])])
            at = f" ({instance} of {self.tasks.last[task]})" if self.instances[task] > 1 else ""
            lines.append(
                f"  {name} waits since cycle {self.free_at[unit]} to run {self.tasks.names[task]}{at}, "
                f"for {self.tasks.names[need]} of {other}"
            )
        return "\n".join(lines)
