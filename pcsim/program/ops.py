"""Which operations a learning rule consists of, of which size, in which order of need.

A program is a template: what repeats is described once and carries the range of instances in which it
runs, so the size of a program depends neither on the number of inference steps nor on that of
micro-batches. Instance m of phase START or FINISH belongs to micro-batch m of M; instance
(t - 1) M + m of phase STEP to step t of micro-batch m. It knows no tiles and no cycles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from pcsim.config import Value
from pcsim.program.contractions import FORWARD, GRADIENT, PULL, Contraction
from pcsim.program.kernels import NO_KERNEL, Kernel
from pcsim.program.sizes import Sizes


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


CONTRACTIONS = {
    Kind.PRODUCT_FORWARD: FORWARD,
    Kind.PRODUCT_BACKWARD: PULL,
    Kind.WEIGHT_GRADIENT: GRADIENT,
}
"""What each kind of product multiplies, unless an operation says something else."""

PRODUCTS = {kind: contraction.operands for kind, contraction in CONTRACTIONS.items()}
"""What the product of each kind by weights multiplies (A streamed, B stationary) and what its sums become."""


class Phase(StrEnum):
    """When in an update an operation runs."""

    SETUP = "setup"
    """Only on a cold start: weights and the first batch come from DRAM."""
    START = "start"
    """Before the inference steps, once for each micro-batch."""
    STEP = "step"
    """In the inference steps, once for each micro-batch; all of pipelined backpropagation."""
    FINISH = "finish"
    """After the last inference step."""


class Role(StrEnum):
    """What an exchange or a reduction carries, and between whom."""

    WEIGHTS = "weights"
    """DRAM to the tiles of the layer."""
    MASTER = "master"
    """DRAM to the tiles of the layer: the weights that the optimiser steps, where they are a second copy."""
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
    LAST_STATE = "last_state"
    """Of an elementwise: z_l after the last step, which nobody reads."""
    ENERGY = "energy"
    """Of an elementwise: the squares of a layer's errors are summed."""
    REPORT = "report"
    """One word from layer l to the layer that it reports to; of layer 1 from its other tiles to the first."""
    ANSWER = "answer"
    """One word to layer l from the layer that it reports to; in layer 1 to all its tiles."""
    NUDGED = "nudged"
    """Of an elementwise: the target is moved to between output and label."""
    CHANGED_STATE = "changed_state"
    """Of an elementwise: which states have changed enough to be told."""
    CHANGED_ERROR = "changed_error"
    """Of an elementwise: which errors have."""
    RECOMPUTED = "recomputed"
    """A prediction that was dropped and is made once more."""
    STASH = "stash"
    """What the backward pass will read, from the tiles of layer l to DRAM."""
    RESTORED = "restored"
    """The same on its way back."""
    BIAS = "bias"
    """The biases of layer l."""
    GRADIENT = "gradient"
    """Weight gradients of shares of a batch, added up where weights are updated; nothing where it is not cut. Of an
    exchange: those of a part that uses another's weights."""
    COPIED = "copied"
    """New weights to the tiles that hold them for other shares of a batch, or to another part that uses them, too."""
    UNIT_GRADIENT = "unit_gradient"
    """Gradients of biases, gains and positions, where several parts use the same."""
    SENT = "sent"
    """Of an elementwise: what is made of z_l before a branch takes it."""
    PULLED = "pulled"
    """Of an elementwise: an error on its way back through steps without weights."""
    BRANCH = "branch"
    """The value of a branch from the owners of its last part to where branches are summed; of an elementwise: it is
    completed."""
    SPREAD = "spread"
    """The error of a sum from where branches are summed to the owners of a branch's last part."""
    FOLDED = "folded"
    """Of an elementwise: windows of a pull that overlap are added up."""
    STATISTICS = "statistics"
    """What a normalisation sums over all channels, and what follows from it."""
    SCORES = "scores"
    """Products and elementwise work of attention weights."""
    VALUES = "values"
    """Products of attention with values."""
    QUERIES = "queries"
    """Products that pull an error back to queries."""
    KEYS = "keys"
    """Products that pull an error back to keys."""
    GAIN = "gain"
    """What a step without a product learns: gains and offsets of norms, positions."""


CARRIED = {
    Role.WEIGHTS: Value.WEIGHT,
    Role.MASTER: Value.MASTER,
    Role.INPUT: Value.STATE,
    Role.TARGET: Value.STATE,
    Role.OUTPUT: Value.STATE,
    Role.STATE: Value.STATE,
    Role.SKIPPED_STATE: Value.STATE,
    Role.FEEDBACK: Value.ERROR,
    Role.ERROR: Value.ERROR,
    Role.SKIPPED_ERROR: Value.ERROR,
    Role.STASH: Value.STATE,
    Role.RESTORED: Value.STATE,
    Role.REPORT: Value.ACCUMULATE,
    Role.ANSWER: Value.ACCUMULATE,
    Role.COPIED: Value.WEIGHT,
    Role.GRADIENT: Value.ACCUMULATE,
    Role.UNIT_GRADIENT: Value.ACCUMULATE,
    Role.BIAS: Value.WEIGHT,
    Role.GAIN: Value.WEIGHT,
    Role.BRANCH: Value.STATE,
    Role.SPREAD: Value.ERROR,
    Role.STATISTICS: Value.ACCUMULATE,
}
"""The kind of value that an exchange carries."""


class Key(NamedTuple):
    """The identity of an operation within its program. ``at``: the place in the network that it belongs to, where a
    part has several of its kind."""

    kind: Kind
    role: Role | None
    layer: int
    phase: Phase
    at: str = ""

    def __str__(self) -> str:
        what = f"{self.kind}.{self.role}" if self.role else str(self.kind)
        where = f"{self.layer} {self.at}" if self.at else str(self.layer)
        return f"{what}[{where}]@{self.phase}"


@dataclass(frozen=True)
class Need:
    """An operation must wait for operation ``op``.

    Instance i waits for instance i - ``back`` of ``op``, if ``op`` has one of that number; with
    ``back`` `ALL` for every instance of ``op``.
    """

    op: Key
    back: int = 0


ALL = -(1 << 62)
"""As ``Need.back``: every instance must have ended. Far below every number of instances."""


class Turn(NamedTuple):
    """When a unit takes instance i of an operation, among those of one phase.

    In order of ((i - 1 + shift) // window, stride x ((i - 1) // group) + offset); without a window (0) the
    first is the same for all. Of equal turns lower instances come first, or, where instances are
    grouped, operations as they stand in the program, each with its whole group. The default is instance
    by instance. Turns must follow the needs: an operation's turn comes after those of what it needs.
    """

    stride: int = 1
    offset: int = 0
    window: int = 0
    shift: int = 0
    group: int = 1

    def key(self, instance: int) -> tuple[int, int, int]:
        """What turns are compared by, up to the place in the program."""
        at = instance - 1
        window = (at + self.shift) // self.window if self.window else 0
        tie = at if self.group == 1 else 0
        return window, self.stride * (at // self.group) + self.offset, tie


IN_TURN = Turn()


@dataclass(frozen=True)
class Place:
    """Where in an update a piece of a program stands: phase, stage, instances and turn."""

    phase: Phase
    stage: str
    first: int = 1
    last: int = 1
    turn: Turn = IN_TURN


@dataclass(frozen=True)
class Op:
    """One operation of the template, on part ``layer`` (1-based), whose ``sizes`` it has.

    ``elements`` is the number of elements an ELEMENTWISE works on, the words an EXCHANGE or REDUCE
    carries, and the parameters an UPDATE changes. ``told``: of an exchange that tells
    only what has changed, how many of its elements it carries in each instance, with their indices.
    ``target``: the part that an exchange goes to, its neighbour (0) unless given. ``product``: what a product
    multiplies, what its kind says unless given. ``at`` as for `Key`. ``learnt``: names of the parameters that it
    reads, or, of an update and of the exchanges that hand on what is new, changes.
    """

    kind: Kind
    layer: int
    sizes: Sizes
    elements: int = 0
    role: Role | None = None
    kernel: Kernel = NO_KERNEL
    place: Place = Place(Phase.START, "")
    needs: tuple[Need, ...] = ()
    told: tuple[int, ...] | None = None
    target: int = 0
    product: Contraction | None = None
    at: str = ""
    learnt: tuple[str, ...] = ()

    @property
    def phase(self) -> Phase:
        return self.place.phase

    @property
    def stage(self) -> str:
        return self.place.stage

    @property
    def instances(self) -> int:
        """How often it runs in one update."""
        return max(0, self.place.last - self.place.first + 1)

    @property
    def contraction(self) -> Contraction:
        """What a product multiplies."""
        return self.product or CONTRACTIONS[self.kind]

    @property
    def key(self) -> Key:
        return Key(self.kind, self.role, self.layer, self.phase, self.at)


@dataclass(frozen=True)
class Buffer:
    """Something a layer keeps in memory: numbers of kind ``value``, shown under ``kind``.

    ``axis`` says its size: ``weight`` one word for each weight, ``in`` batch x operand, ``out`` batch x result,
    ``unit`` ``words`` for each output channel, ``value`` batch times as many, ``group`` batch x ``words`` for each
    group, ``window`` one sample's windows.
    ``owner``: kept once per slice of the layer's outputs (by the tile that owns the slice) and not by
    every tile that holds a part of W_l.
    """

    name: str
    kind: str
    value: Value
    layer: int
    axis: str
    copies: int = 1
    owner: bool = False
    words: int = 1


def buffer_words(sizes: Sizes, batch: int) -> dict[str, int]:
    """What one copy of a buffer takes in a part, or a slice of one, of these sizes, by its axis; see `Buffer`."""
    return {
        "weight": sizes.weights,
        "in": batch * sizes.words_in,
        "out": batch * sizes.words_out,
        "unit": sizes.n_out,
        "value": batch * sizes.n_out,
        "group": batch * sizes.groups,
        "window": sizes.n_in * sizes.taps * sizes.rows_out,
    }


@dataclass(frozen=True)
class Program:
    """All operations of one weight update (or one inference) of one batch.

    ``parts`` are the sizes of parts 1 to P, of a chain its layers; ``batch`` is the samples of a micro-batch,
    ``micro_batches`` their number; ``steps`` is the number of inference steps T (0 where the rule has none);
    ``credited`` are the parts that receive a weight gradient. ``names`` of parts, where they are not layers.
    """

    rule: str
    parts: tuple[Sizes, ...]
    batch: int
    steps: int
    optimiser: str | None
    ops: tuple[Op, ...]
    buffers: tuple[Buffer, ...]
    credited: tuple[int, ...]
    micro_batches: int = 1
    names: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """P, the number of parts; of a chain L, its weight layers."""
        return len(self.parts)

    def sizes(self, layer: int) -> Sizes:
        """Those of part ``layer``."""
        return self.parts[layer - 1]

    def name_of(self, layer: int) -> str:
        """What part ``layer`` is called; layers of a chain by their numbers."""
        return self.names[layer - 1] if self.names else str(layer)

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

    def macs(self) -> dict[Kind, int]:
        """Multiply-accumulates of one update, by kind of product."""
        total = dict.fromkeys(PRODUCTS, 0)
        for op in self.ops:
            if op.kind in PRODUCTS:
                extent = op.contraction.extent(op.sizes, self.batch)
                total[op.kind] += op.instances * extent.macs
        return total

    def elementwise(self) -> dict[str, int]:
        """How many times each primitive is applied to an element in one update; reductions apart,
        since their additions depend on how layers are split."""
        total: dict[str, int] = {}
        for op in self.ops:
            if op.kind is Kind.REDUCE:
                continue
            for primitive in op.kernel.primitives:
                amount = op.instances * op.elements * primitive.times
                total[primitive.name] = total.get(primitive.name, 0) + amount
        return total

    def exchanged_words(self, roles: Iterable[Role], *, cold: bool = False) -> int:
        """Words that the exchanges of these roles carry in one update."""
        wanted = set(roles)
        return sum(
            op.instances * op.elements if op.told is None else sum(op.told)
            for op in self.ops
            if op.kind is Kind.EXCHANGE
            and op.role in wanted
            and (cold or op.phase is not Phase.SETUP)
        )
