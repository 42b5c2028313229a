"""How a rule is written down: operations one after the other, then frozen."""

from __future__ import annotations

from collections.abc import Iterable

from pcsim.config import Value
from pcsim.program.kernels import NO_KERNEL, Kernel
from pcsim.program.ops import Buffer, Key, Kind, Need, Op, Phase, Place, Program, Role


class ProgramBuilder:
    """Collects operations while a rule is written down; then ``build`` freezes them."""

    def __init__(
        self,
        widths: tuple[int, ...],
        batch: int,
        *,
        optimiser: str | None,
        master: bool = False,
        micro_batches: int = 1,
    ) -> None:
        """``batch`` samples, in ``micro_batches`` equal parts; ``optimiser`` None learns nothing.

        ``master``: the optimiser steps a second copy of the weights, of a format of its own.
        """
        assert batch % micro_batches == 0, "config admits only micro-batches that divide a batch"
        self.widths = widths
        self.batch = batch // micro_batches
        self.micro_batches = micro_batches
        self.optimiser = optimiser
        self.master = master
        self.ops: list[Op] = []
        self._keys: set[Key] = set()
        self.buffers: list[Buffer] = []

    @property
    def depth(self) -> int:
        """L, the number of weight layers."""
        return len(self.widths) - 1

    def has(self, key: Key) -> bool:
        """Whether such an operation was added already."""
        return key in self._keys

    def once_each(self, phase: Phase, stage: str) -> Place:
        """Once for every micro-batch."""
        return Place(phase, stage, 1, self.micro_batches)

    def add(
        self,
        kind: Kind,
        layer: int,
        place: Place,
        *,
        needs: Iterable[Need | Key] = (),
        elements: int = 0,
        role: Role | None = None,
        kernel: Kernel = NO_KERNEL,
        told: tuple[int, ...] | None = None,
    ) -> Key:
        """Append an operation and return the key by which others need it."""
        op = Op(
            kind,
            layer,
            self.widths[layer - 1],
            self.widths[layer],
            elements,
            role,
            kernel,
            place,
            tuple(need if isinstance(need, Need) else Need(need) for need in needs),
            told,
        )
        self.ops.append(op)
        self._keys.add(op.key)
        return op.key

    def keep(
        self,
        layer: int,
        name: str,
        kind: str,
        value: Value,
        *,
        axis: str,
        copies: int = 1,
        owner: bool = False,
    ) -> None:
        """Reserve memory for ``name`` in ``layer``; see `Buffer`."""
        self.buffers.append(Buffer(name, kind, value, layer, axis, copies, owner))

    def build(self, rule: str, *, steps: int, credited: tuple[int, ...]) -> Program:
        return Program(
            rule,
            self.widths,
            self.batch,
            steps,
            self.optimiser,
            tuple(self.ops),
            tuple(self.buffers),
            credited,
            self.micro_batches,
        )
