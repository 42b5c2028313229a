"""When does each task run? A discrete-event simulation of one update on one chip.

Every unit works through its queue in order: it waits until what the task needs is there, occupies itself
for the task's cycles, and hands on. SimPy holds the events and keeps the clock, which is an integer: work
of a unit that comes to its end, a result that is there, an instant whose requests to the network are complete.
What follows from an event is found in compiled code, `pcsim.machine.core`, which hands out the events
to come. The state is one counter of ended instances per task, so its size does not grow with the number
of inference steps or micro-batches.
"""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray
from simpy.events import Event, EventPriority

from pcsim.compiled.known import remember
from pcsim.config import Hardware
from pcsim.errors import DeadlockError
from pcsim.machine.activity import Activity
from pcsim.machine.core.life import course
from pcsim.machine.core.state import (
    ARBITRATION,
    DONE,
    OVER,
    ROOM,
    STALLS,
    Chip,
    chip_of,
)
from pcsim.machine.counting import Times, activity_of, unit_name
from pcsim.machine.lower import lower
from pcsim.machine.recording import Recorder
from pcsim.placement import Placement, Tasks


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
    tasks, lowered = placement.tasks, lower(placement.tasks, hardware)
    record = recorder is not None
    chip = chip_of(tasks, lowered, hardware, placement.windows, cold=cold, record=record)
    simulation = _Simulation(tasks, chip, cold=cold)
    simulation.run()
    remember("simulator", "machine/core")
    if recorder is not None:
        recorder.spans = simulation.spans()
    return activity_of(placement, hardware, lowered, simulation.times())


NORMAL = EventPriority(1)
LATE = EventPriority(2)
"""After all ordinary events of the same time: SimPy's own have priority 0 (urgent) or 1 (normal)."""


class Clock(simpy.Environment):
    """SimPy's environment, whose time is a whole number of cycles because all delays are."""

    @property
    def now(self) -> int:
        return self._now  # type: ignore[return-value]


class Happening(Event):
    """Something on the chip, after some cycles: its ``kind``, and ``what`` unit or task it comes for.

    Its life: triggered when created; processed when its time has come; then it calls back with itself.
    """

    def __init__(
        self, env: Clock, callback: Any, priority: EventPriority, kind: int, cycles: int, what: int
    ) -> None:
        self.env = env
        self.callbacks = [callback]
        self.kind = kind
        self.what = what
        self._ok = True
        self._value = None
        env.schedule(self, priority, cycles)


class _Simulation:
    """One simulated update. Its life: built on a chip with full queues, ``run`` once, then only read."""

    def __init__(self, tasks: Tasks, chip: Chip, *, cold: bool) -> None:
        self.tasks, self.chip, self.cold = tasks, chip, cold
        self.env = Clock()
        self.box = array("q", [0, 0, 0])
        """The event that has come: kind, unit or task, time."""
        self.events = self.chip.events.reshape(-1).data
        self.course = course(self.chip, np.frombuffer(self.box, np.int64), not cold)
        self.arbitrations: set[int] = set()
        """Instants at whose end requests will be served."""

    def run(self) -> None:
        self._hand_out()
        self.env.run()
        self.box[0] = OVER
        next(self.course, None)
        if (self.chip.units["stage"] != DONE).any():
            raise DeadlockError(self._who_waits())

    def _on(self, event: Happening) -> None:
        """Let the compiled code find what follows from an event."""
        box, kind, now = self.box, event.kind, self.env.now
        if kind == ARBITRATION:
            self.arbitrations.remove(now)
        box[0], box[1], box[2] = kind, event.what, now
        self._hand_out()

    def _hand_out(self) -> None:
        """Schedule the events to come."""
        env, events = self.env, self.events
        count = ROOM
        while count >= ROOM:
            count = next(self.course)
            for at in range(0, 3 * count, 3):
                kind, cycles, what = events[at], events[at + 1], events[at + 2]
                if kind != ARBITRATION:
                    Happening(env, self._on, NORMAL, kind, cycles, what)
                elif (instant := env.now + cycles) not in self.arbitrations:
                    self.arbitrations.add(instant)
                    Happening(env, self._on, LATE, kind, cycles, what)

    # What is read afterwards.

    def times(self) -> Times:
        """How long it took, and how every unit spent the time."""
        units, loads = self.chip.units, self.chip.tasks["loads"]
        free_at = units["free_at"].tolist()
        stalled = [
            {kind: cycles for kind, cycles in zip(STALLS, row, strict=True) if cycles}
            for row in units["stalled"].tolist()
        ]
        return Times(
            max(self.env.now, *free_at),  # A tail is there before its source is free.
            units["busy"].tolist(),
            stalled,
            units["gated"].tolist(),
            free_at,
            {int(task): int(loads[task]) for task in np.flatnonzero(loads)},
            self.cold,
        )

    def spans(self) -> NDArray[np.int64]:
        """As `Recorder` has them."""
        return self.chip.spans[: self.chip.scalar[0]["spans"]]

    # What is said when nothing moves any more.

    def _unmet(self, unit: int) -> int:
        """A task that ``unit`` waits for."""
        chip, mine = self.chip, self.chip.units[unit]
        task = chip.tasks[mine["task"]]
        for at in range(task["needs"], task["needs_end"]):
            need = chip.needs[at]
            if chip.tasks["ended"][need["task"]] < min(
                mine["instance"] + need["base"], need["most"]
            ):
                return int(need["task"])
        return int(mine["last_need"])

    def _who_waits(self) -> str:
        lines = ["the chip stopped before its work was done:"]
        instances = self.tasks.instances()
        for unit, mine in enumerate(self.chip.units):
            if mine["stage"] == DONE:
                continue
            task, instance = int(mine["task"]), int(mine["instance"])
            need = self._unmet(unit)
            name = unit_name(self.tasks, self.tasks.units[unit])
            other = unit_name(self.tasks, self.tasks.units[int(self.tasks.unit[need])])
            at = f" ({instance} of {self.tasks.last[task]})" if instances[task] > 1 else ""
            lines.append(
                f"  {name} waits since cycle {mine['free_at']} to run {self.tasks.names[task]}{at}, "
                f"for {self.tasks.names[need]} of {other}"
            )
        return "\n".join(lines)
