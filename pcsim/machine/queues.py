"""In which order does a unit take its tasks, and what does each of them wait for?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain

from pcsim.placement import PHASES, Tasks
from pcsim.program import IN_TURN, Phase, Turn

SETUP = PHASES.index(Phase.SETUP)


@dataclass(frozen=True)
class Part:
    """The tasks of one phase on one unit: (task, first, last instance, turn), in program order."""

    tasks: tuple[tuple[int, int, int, Turn], ...]

    def turns(self) -> Iterator[tuple[int, int]]:
        """(task, instance) in turn."""
        if any(turn != IN_TURN for *_, turn in self.tasks):
            yield from self._merged()
            return
        # All turns alike: instance by instance.
        begin = min((first for _, first, _, _ in self.tasks), default=1)
        end = max((last for _, _, last, _ in self.tasks), default=0)
        for instance in range(begin, end + 1):
            for task, first, last, _ in self.tasks:
                if first <= instance <= last:
                    yield task, instance

    def _merged(self) -> Iterator[tuple[int, int]]:
        """Instances of all tasks merged by their turns; of equal turns the first in the queue first."""

        def instances(
            place: int, task: int, first: int, last: int, turn: Turn
        ) -> Iterator[tuple[tuple[int, int, int], int, int, int]]:
            for instance in range(first, last + 1):
                yield turn.key(instance), place, task, instance

        ways = (instances(place, *task) for place, task in enumerate(self.tasks))
        for _, _, task, instance in merge(*ways):
            yield task, instance


@dataclass(frozen=True)
class Queue:
    """What one unit does, phase by phase. It is described, not listed: its size does not depend on how often
    tasks run."""

    parts: tuple[Part, ...]

    def turns(self) -> Iterator[tuple[int, int]]:
        """(task, instance) in the order in which the unit takes them."""
        return chain.from_iterable(part.turns() for part in self.parts)


def queues_of(tasks: Tasks, *, cold: bool) -> list[Queue]:
    """The queue of every unit; what only a cold start does is left out of a warm one."""
    found: list[list[list[tuple[int, int, int, Turn]]]] = [
        [[] for _ in PHASES] for _ in tasks.units
    ]
    columns = (tasks.unit, tasks.phase, tasks.first, tasks.last, tasks.turn)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for task, (unit, phase, first, last, turn) in enumerate(rows):
        if cold or phase != SETUP:
            found[unit][phase].append((task, first, last, tasks.turns[turn]))
    return [Queue(tuple(Part(tuple(part)) for part in parts if part)) for parts in found]


@dataclass(frozen=True)
class Needs:
    """What each task waits for.

    ``moving[t]``: (task, base, most): instance i waits until it has ended min(i + base, most) times.
    ``fixed[t]``: (task, most): the first instance waits until all ``most`` of its instances have ended.
    """

    moving: tuple[tuple[tuple[int, int, int], ...], ...]
    fixed: tuple[tuple[tuple[int, int], ...], ...]

    @classmethod
    def of(cls, tasks: Tasks) -> Needs:
        """From the tasks' own arrays."""
        starts, needed, back, firsts, instances = (
            column.tolist()
            for column in (
                tasks.needs_start,
                tasks.needs_task,
                tasks.needs_back,
                tasks.first,
                tasks.instances(),
            )
        )
        every_moving, every_fixed = [], []
        for task, first in enumerate(firsts):
            moving, fixed = [], []
            for at in range(starts[task], starts[task + 1]):
                need = needed[at]
                base = 1 - back[at] - firsts[need]
                if first + base >= instances[need]:
                    fixed.append((need, instances[need]))
                else:
                    moving.append((need, base, instances[need]))
            every_moving.append(tuple(moving))
            every_fixed.append(tuple(fixed))
        return cls(tuple(every_moving), tuple(every_fixed))
