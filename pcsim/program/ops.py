"""Which operations a learning rule consists of, of which size, in which order of need.

A program is a template: an inference step is described once and carries the range of steps in
which it runs, so the size of a program does not depend on the number of inference steps. It knows
no tiles and no cycles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from pcsim.program.kernels import NO_KERNEL, Kernel


class Kind(StrEnum):
    """What an operation does."""

    PRODUCT_FORWARD = "product_forward"
    """Prediction ``p_l = phi(z_{l-1}) W_l^T``: M = batch, N = n_out, K = n_in."""
    PRODUCT_BACKWARD = "product_backward"
    """Feedback ``c_{l-1} = e_l W_l``: M = batch, N = n_in, K = n_out."""
    WEIGHT_GRADIENT = "weight_gradient"
    """``e_l^T phi(z_{l-1})``: M = n_out, N = n_in, K = batch."""
    ELEMENTWISE = "elementwise"
    """A short sequence of primitives on every unit of one layer."""
    UPDATE = "update"
    """The optimiser's update of one layer's weights."""
    EXCHANGE = "exchange"
    """Words move between layers, within a layer, or between a layer and DRAM."""
    REDUCE = "reduce"
    """Partial sums of a split product are added up; nothing happens where a layer is not split."""


PRODUCTS = (Kind.PRODUCT_FORWARD, Kind.PRODUCT_BACKWARD, Kind.WEIGHT_GRADIENT)


class Phase(StrEnum):
    """When in an update an operation runs."""

    SETUP = "setup"
    """Only on a cold start: weights and the first batch come from DRAM."""
    START = "start"
    """Once, before the inference steps. A need on an operation of this phase is met when it ended."""
    STEP = "step"
    """In every inference step from ``first_step`` on."""
    FINISH = "finish"
    """Once, after the last inference step."""


class Role(StrEnum):
    """What an exchange or a reduction carries, and between whom."""

    WEIGHTS = "weights"
    """DRAM to the tiles of the layer."""
    INPUT = "input"
    """DRAM to the tiles of layer 1."""
    TARGET = "target"
    """DRAM to the tiles of layer L."""
    OUTPUT = "output"
    """The tiles of layer L to DRAM."""
    STATE = "state"
    """phi(z_l) from layer l up to layer l+1; of an elementwise: z_l or phi(z_l) is computed."""
    FEEDBACK = "feedback"
    """c_{l-1} from layer l down to layer l-1."""
    ERROR = "error"
    """e_l to the other tiles that hold a part of W_l; of an elementwise: e_l is computed."""
    PREDICTION = "prediction"
    """Partial predictions, added up; of an elementwise: the output layer's prediction is completed."""
    OPERAND = "operand"
    """phi of an arrived state, on every tile that holds a part of W_l."""
    SKIPPED_STATE = "skipped_state"
    """z_l to where the prediction of layer l+1 is completed, which adds it."""
    SKIPPED_ERROR = "skipped_error"
    """e_l to where the feedback of layer l is summed, which adds it."""
    BIAS = "bias"
    """The biases of layer l."""


class Key(NamedTuple):
    """The identity of an operation within its program."""

    kind: Kind
    role: Role | None
    layer: int
    phase: Phase

    def __str__(self) -> str:
        what = f"{self.kind}.{self.role}" if self.role else str(self.kind)
        return f"{what}[{self.layer}]@{self.phase}"


@dataclass(frozen=True)
class Need:
    """An operation must wait for operation ``op``.

    Between two operations of the STEP phase ``steps_back`` says of which step: 0 the same, 1 the one
    before; where ``op`` did not run in that step nothing is waited for. In all other cases every
    instance of ``op`` must have ended.
    """

    op: Key
    steps_back: int = 0


@dataclass(frozen=True)
class Place:
    """Where in an update a piece of a program stands: phase, stage, and first inference step."""

    phase: Phase
    stage: str
    first_step: int = 1


@dataclass(frozen=True)
class Op:
    """One operation of the template. Sizes are those of its layer: ``n_in`` x ``n_out`` weights.

    ``elements`` is the number of elements an ELEMENTWISE works on, the words an EXCHANGE or REDUCE
    carries, and the parameters an UPDATE changes. ``layer`` is 1-based.
    """

    kind: Kind
    layer: int
    phase: Phase
    stage: str
    n_in: int
    n_out: int
    elements: int = 0
    role: Role | None = None
    kernel: Kernel = NO_KERNEL
    first_step: int = 1
    needs: tuple[Need, ...] = ()

    @property
    def key(self) -> Key:
        return Key(self.kind, self.role, self.layer, self.phase)


@dataclass(frozen=True)
class Buffer:
    """Something a layer keeps in memory.

    ``axis`` says its size: ``weight`` n_in x n_out words, ``in`` batch x n_in, ``out`` batch x n_out,
    ``unit`` n_out.
    ``owner``: kept once per slice of the layer's outputs (by the tile that owns the slice) and not by
    every tile that holds a part of W_l.
    """

    name: str
    kind: str
    layer: int
    axis: str
    copies: int = 1
    owner: bool = False


@dataclass(frozen=True)
class Program:
    """All operations of one weight update (or one inference) of one batch.

    ``widths`` are n_0..n_L; ``steps`` is the number of inference steps T (0 where the rule has none);
    ``credited`` are the layers that receive a weight gradient.
    """

    rule: str
    widths: tuple[int, ...]
    batch: int
    steps: int
    optimiser: str | None
    ops: tuple[Op, ...]
    buffers: tuple[Buffer, ...]
    credited: tuple[int, ...]

    @property
    def depth(self) -> int:
        """L, the number of weight layers."""
        return len(self.widths) - 1

    @cached_property
    def has_feedback(self) -> bool:
        """Whether errors are passed down, as in learning but not in inference."""
        return any(op.kind is Kind.PRODUCT_BACKWARD for op in self.ops)

    def buffers_of(self, layer: int) -> tuple[Buffer, ...]:
        """What ``layer`` keeps in memory."""
        return self._buffers.get(layer, ())

    @cached_property
    def _buffers(self) -> dict[int, tuple[Buffer, ...]]:
        by_layer: dict[int, list[Buffer]] = {}
        for buffer in self.buffers:
            by_layer.setdefault(buffer.layer, []).append(buffer)
        return {layer: tuple(buffers) for layer, buffers in by_layer.items()}

    def instances(self, op: Op) -> int:
        """How often ``op`` runs in one update."""
        return max(0, self.steps - op.first_step + 1) if op.phase is Phase.STEP else 1

    def macs(self) -> dict[Kind, int]:
        """Multiply-accumulates of one update, by kind of product."""
        total = dict.fromkeys(PRODUCTS, 0)
        for op in self.ops:
            if op.kind in PRODUCTS:
                total[op.kind] += self.instances(op) * self.batch * op.n_in * op.n_out
        return total

    def elementwise(self) -> dict[str, int]:
        """How many times each primitive is applied to an element in one update; reductions apart,
        since their additions depend on how layers are split."""
        total: dict[str, int] = {}
        for op in self.ops:
            if op.kind is Kind.REDUCE:
                continue
            for primitive in op.kernel.primitives:
                amount = self.instances(op) * op.elements
                total[primitive.name] = total.get(primitive.name, 0) + amount
        return total

    def exchanged_words(self, roles: Iterable[Role], *, cold: bool = False) -> int:
        """Words that the exchanges of these roles carry in one update."""
        wanted = set(roles)
        return sum(
            self.instances(op) * op.elements
            for op in self.ops
            if op.kind is Kind.EXCHANGE
            and op.role in wanted
            and (cold or op.phase is not Phase.SETUP)
        )
