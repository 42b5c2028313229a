"""How a rule is written down: operations one after the other, then frozen."""

from __future__ import annotations

from collections.abc import Iterable

from pcsim.config import Value
from pcsim.program.contractions import Contraction
from pcsim.program.kernels import NO_KERNEL, Kernel
from pcsim.program.ops import Buffer, Key, Kind, Need, Op, Phase, Place, Program, Role
from pcsim.program.sizes import Sizes
from pcsim.program.verify import verify


class ProgramBuilder:
    """Collects operations while a rule is written down; then ``build`` freezes them."""

    def __init__(
        self,
        parts: tuple[Sizes, ...],
        batch: int,
        *,
        optimiser: str | None,
        master: bool = False,
        micro_batches: int = 1,
        names: tuple[str, ...] = (),
    ) -> None:
        """``batch`` samples, in ``micro_batches`` equal parts; ``optimiser`` None learns nothing.

        ``master``: the optimiser steps a second copy of the weights, of a format of its own. ``names`` of the
        ``parts``.
        """
        assert batch % micro_batches == 0, "config admits only micro-batches that divide a batch"
        self.parts = parts
        self.names = names
        self.batch = batch // micro_batches
        self.micro_batches = micro_batches
        self.optimiser = optimiser
        self.master = master
        self.ops: list[Op] = []
        self._keys: set[Key] = set()
        self.buffers: list[Buffer] = []

    @property
    def depth(self) -> int:
        """P, the number of parts."""
        return len(self.parts)

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
        target: int = 0,
        product: Contraction | None = None,
        at: str = "",
        learnt: tuple[str, ...] = (),
    ) -> Key:
        """Append an operation and return the key by which others need it.

        Raises:
            ValueError: there is one of the same key already, so that a need could mean either.
        """
        op = Op(
            kind,
            layer,
            self.parts[layer - 1],
            elements,
            role,
            kernel,
            place,
            tuple(need if isinstance(need, Need) else Need(need) for need in needs),
            told,
            target,
            product,
            at,
            learnt,
        )
        if op.key in self._keys:
            raise ValueError(f"a program has only one operation {op.key}")
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
        words: int = 1,
    ) -> None:
        """Reserve memory for ``name`` in ``layer``; see `Buffer`."""
        self.buffers.append(Buffer(name, kind, value, layer, axis, copies, owner, words))

    def build(self, rule: str, *, steps: int, credited: tuple[int, ...]) -> Program:
        program = Program(
            rule,
            self.parts,
            self.batch,
            steps,
            self.optimiser,
            tuple(self.ops),
            tuple(self.buffers),
            credited,
            self.micro_batches,
            self.names,
        )
        verify(program)
        return program
