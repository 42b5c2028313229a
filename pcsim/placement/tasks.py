"""The work of a program after placement: which unit does what, after what.

A task is a template like the operation it comes from: it runs in the instances ``first`` to ``last``, so
the arrays do not grow with the number of steps or micro-batches. Tasks carry sizes, not cycles: how
long a unit takes is the machine's answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pcsim.placement.flows import WHOLE, Flow
from pcsim.placement.routes import Route
from pcsim.placement.topologies import Topology
from pcsim.program import Op, Operands, Phase, Turn
from pcsim.program.kernels import NO_KERNEL, Kernel


class TaskKind(IntEnum):
    """What a task asks of its unit."""

    PRODUCT = 0
    """An array multiplies M x K by K x N (columns ``m``, ``n``, ``k``) of kinds ``operands``, ``repeat`` times."""
    ELEMENTWISE = 1
    """A vector unit applies ``kernel`` to ``elements``."""
    UPDATE = 2
    """An update unit applies ``kernel`` to ``elements`` parameters: ``m`` x ``n`` weights, n_out x n_in,
    which a compute unit may hold (0 x 0: biases)."""
    TRANSFER = 3
    """A DMA channel sends ``size_bytes`` along ``route``."""
    DRAM_READ = 4
    """A DRAM channel reads ``size_bytes``."""
    DRAM_WRITE = 5
    """A DRAM channel writes ``size_bytes``."""
    WEIGHTS = 6
    """A tile makes sure that a layer's weights are in its window, which may mean to bring ``size_bytes`` along
    ``route`` from DRAM or the global buffer."""
    BUFFER_READ = 7
    """The global buffer reads ``size_bytes``."""
    BUFFER_WRITE = 8
    """The global buffer writes ``size_bytes``."""


PHASES = (Phase.SETUP, Phase.START, Phase.STEP, Phase.FINISH)
"""Phases in the order in which every unit works through its queue."""

SETUP = PHASES.index(Phase.SETUP)
"""What only a cold start does."""


class Unit(NamedTuple):
    """A unit of the chip that takes tasks in order. ``channel`` names a DMA channel's stream."""

    kind: str
    node: int
    channel: str = ""


@dataclass(frozen=True)
class Tasks:
    """All tasks of one update as plain integer arrays, one entry per task, in queue order.

    ``needs_task[needs_start[t]:needs_start[t + 1]]`` are the tasks that task t waits for, and
    ``needs_back`` in the same places how many instances back. ``takes`` and ``gives`` are those of
    `Flow`; what ``yields`` lets others pass on links and channels. ``route``, ``kernel`` and ``operands`` index
    ``routes``, ``kernels`` and ``products`` (-1: none). ``phase`` indexes `PHASES`; ``stages`` names
    ``stage``; ``turn`` indexes ``turns``. ``varying`` gives transfers of a size of their own in each
    instance these sizes, in bytes; their ``size_bytes`` is 0. ``users`` gives for each task of kind
    WEIGHTS the task that uses the weights. ``streamed`` and ``stationary`` are the words of which a line buffer
    forms that operand of one product (0: it lies in SRAM as it is, M x K or K x N words).
    """

    units: tuple[Unit, ...]
    routes: tuple[Route, ...]
    kernels: tuple[Kernel, ...]
    products: tuple[Operands, ...]
    stages: tuple[str, ...]
    turns: tuple[Turn, ...]
    names: tuple[str, ...]
    varying: Mapping[int, tuple[int, ...]]
    users: Mapping[int, int]
    mesh: Topology
    unit: NDArray[np.int64]
    kind: NDArray[np.int64]
    layer: NDArray[np.int64]
    stage: NDArray[np.int64]
    phase: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    turn: NDArray[np.int64]
    m: NDArray[np.int64]
    n: NDArray[np.int64]
    k: NDArray[np.int64]
    repeat: NDArray[np.int64]
    takes: NDArray[np.int64]
    gives: NDArray[np.int64]
    yields: NDArray[np.int64]
    streamed: NDArray[np.int64]
    stationary: NDArray[np.int64]
    elements: NDArray[np.int64]
    size_bytes: NDArray[np.int64]
    route: NDArray[np.int64]
    kernel: NDArray[np.int64]
    operands: NDArray[np.int64]
    needs_start: NDArray[np.int64]
    needs_task: NDArray[np.int64]
    needs_back: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.unit)

    def instances(self) -> NDArray[np.int64]:
        """How often each task runs in one update (SETUP tasks: once, on a cold start)."""
        return np.maximum(self.last - self.first + 1, 0)

    @cached_property
    def waiting(self) -> NDArray[np.int64]:
        """Of each need the task that has it."""
        return np.repeat(np.arange(len(self)), np.diff(self.needs_start))

    @cached_property
    def by_rows(self) -> NDArray[np.bool_]:
        """Of each need, whether it is met by the first row: where rows are given and taken. Of one sample each slice
        of outputs is a row."""
        passed = (self.gives[self.needs_task] > 0) & (self.takes[self.waiting] > 0)
        # New weights are sent on row by row, but used as a whole.
        updated = self.kind[self.needs_task] == TaskKind.UPDATE
        return passed & ~(updated & (self.kind[self.waiting] != TaskKind.TRANSFER))


class Ready(NamedTuple):
    """A task whose end makes something available, ``back`` instances earlier."""

    task: int
    back: int


class TaskBuilder:
    """Collects tasks in queue order; ``build`` turns them into arrays."""

    def __init__(self, mesh: Topology) -> None:
        self.mesh = mesh
        self.units: dict[Unit, int] = {}
        self.routes: dict[tuple[int, tuple[int, ...]], Route] = {}
        self.route_numbers: dict[tuple[int, tuple[int, ...]], int] = {}
        self.kernels: dict[Kernel, int] = {}
        self.products: dict[Operands, int] = {}
        self.stages: dict[str, int] = {}
        self.turns: dict[Turn, int] = {}
        self.names: list[str] = []
        self.rows: list[tuple[int, ...]] = []
        self.needs: list[tuple[Ready, ...]] = []
        self.varying: dict[int, tuple[int, ...]] = {}
        self.users: dict[int, int] = {}

    def add(
        self,
        op: Op,
        unit: Unit,
        kind: TaskKind,
        *,
        needs: Iterable[Ready],
        sizes: tuple[int, int, int] = (0, 0, 0),
        repeat: int = 1,
        flow: Flow = WHOLE,
        yields: bool = False,
        buffered: tuple[int, int] = (0, 0),
        elements: int = 0,
        size_bytes: int = 0,
        source: int | None = None,
        targets: tuple[int, ...] = (),
        kernel: Kernel = NO_KERNEL,
        operands: Operands | None = None,
    ) -> Ready:
        """Append a task on behalf of ``op``; ``targets`` are the nodes a transfer goes to, from ``source`` or
        the unit's own node. ``buffered``: words of which a line buffer forms the operands, 0 of one that lies there."""
        route = -1
        if targets:
            ends = (unit.node if source is None else source, targets)
            if ends not in self.routes:
                self.routes[ends] = self.mesh.route(*ends)
                self.route_numbers[ends] = len(self.route_numbers)
            route = self.route_numbers[ends]
        self.rows.append(
            (
                self.units.setdefault(unit, len(self.units)),
                kind,
                op.layer,
                self.stages.setdefault(op.stage, len(self.stages)),
                PHASES.index(op.phase),
                op.place.first,
                op.place.last,
                self.turns.setdefault(op.place.turn, len(self.turns)),
                *sizes,
                repeat,
                *flow,
                yields,
                *buffered,
                elements,
                size_bytes,
                route,
                -1 if kernel is NO_KERNEL else self.kernels.setdefault(kernel, len(self.kernels)),
                -1 if operands is None else self.products.setdefault(operands, len(self.products)),
            )
        )
        self.names.append(str(op.key))
        self.needs.append(tuple(dict.fromkeys(needs)))
        return Ready(len(self.rows) - 1, 0)

    def build(self) -> Tasks:
        columns = iter(np.array(self.rows, dtype=np.int64).reshape(-1, 22).T)
        starts = np.cumsum([0, *(len(needs) for needs in self.needs)])
        flat = [need for needs in self.needs for need in needs]
        return Tasks(
            tuple(self.units),
            tuple(self.routes.values()),
            tuple(self.kernels),
            tuple(self.products),
            tuple(self.stages),
            tuple(self.turns),
            tuple(self.names),
            dict(self.varying),
            dict(self.users),
            self.mesh,
            unit=next(columns),
            kind=next(columns),
            layer=next(columns),
            stage=next(columns),
            phase=next(columns),
            first=next(columns),
            last=next(columns),
            turn=next(columns),
            m=next(columns),
            n=next(columns),
            k=next(columns),
            repeat=next(columns),
            takes=next(columns),
            gives=next(columns),
            yields=next(columns),
            streamed=next(columns),
            stationary=next(columns),
            elements=next(columns),
            size_bytes=next(columns),
            route=next(columns),
            kernel=next(columns),
            operands=next(columns),
            needs_start=starts,
            needs_task=np.array([need.task for need in flat], dtype=np.int64),
            needs_back=np.array([need.back for need in flat], dtype=np.int64),
        )
