"""What has been turned into tasks so far, and after which of them an operation's result is on which tile.

The operations that need it look there. Operations may need later ones (of the step before), so tasks are first
added without needs and connected when all are known.
"""

from __future__ import annotations

from collections.abc import Mapping

from pcsim.config import Formats
from pcsim.placement.groups import Group
from pcsim.placement.tasks import Ready, TaskBuilder
from pcsim.placement.topologies import Topology
from pcsim.program import Key, Op, Program

Available = dict[int, list[Ready]]
"""Tile -> the tasks after which an operation's result is there."""


class Ledger:
    """The tasks of one program on one chip. Its life: ``begin`` each operation in program order and add its tasks, then
    ``connect`` once."""

    def __init__(
        self, program: Program, groups: Mapping[int, Group], mesh: Topology, formats: Formats
    ) -> None:
        self.program = program
        self.groups = groups
        self.mesh = mesh
        self.formats = formats
        self.builder = TaskBuilder(mesh)
        self.available: dict[Key, Available] = {}
        self.open: list[tuple[int, Op, int]] = []
        """Tasks that still wait for the needs of an operation at a tile: (task, op, tile)."""
        self.passed: dict[Key, set[int]] = {}
        """Tiles at which an operation's result is simply what it needed (nothing had to move)."""

    def begin(self, op: Op) -> None:
        """Know of ``op``, whose result is nowhere yet."""
        self.available[op.key] = {}
        self.passed[op.key] = set()

    def connect(self) -> None:
        """Give every task that waits what it waits for, now that all are known."""
        ops = {op.key: op for op in self.program.ops}
        for task, op, tile in self.open:
            found = (*self.builder.needs[task], *self._resolve(ops, op, tile))
            self.builder.needs[task] = tuple(dict.fromkeys(found))

    def _resolve(self, ops: Mapping[Key, Op], op: Op, tile: int) -> list[Ready]:
        """The tasks after which everything that ``op`` needs is at ``tile``."""
        found: list[Ready] = []
        for need in op.needs:
            for ready in self.available[need.op].get(tile, ()):
                found.append(Ready(ready.task, ready.back + need.back))
            if tile in self.passed[need.op]:
                for ready in self._resolve(ops, ops[need.op], tile):
                    found.append(Ready(ready.task, ready.back + need.back))
        return found

    def at(self, op: Op, tile: int, ready: Ready) -> None:
        """The result of ``op`` is on ``tile`` after ``ready``."""
        self.available[op.key].setdefault(tile, []).append(ready)

    def wait(self, ready: Ready, op: Op, tile: int) -> Ready:
        """``ready`` waits at ``tile`` for all that ``op`` needs."""
        self.open.append((ready.task, op, tile))
        return ready
