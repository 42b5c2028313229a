"""The pieces that every rule's program shares: loading, the forward pass, learning, memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pcsim.program.ops import (
    ADD,
    OPTIMISER_WORDS,
    OPTIMISERS,
    SOFTMAX,
    SUBTRACT,
    Kernel,
    Key,
    Kind,
    Need,
    Phase,
    ProgramBuilder,
    Role,
    activation,
)

OUTPUT_KERNELS = {
    "mse": Kernel((SUBTRACT,), reads=2, writes=1),
    "cross_entropy": Kernel((SOFTMAX, SUBTRACT), reads=2, writes=1),
}
"""Error of the output layer: y - p_L, or y - softmax(p_L)."""

REDUCE_KERNEL = Kernel((ADD,), reads=2, writes=1)
"""One addition where two partial sums meet."""


@dataclass(frozen=True)
class Place:
    """Where in an update a piece of a program stands: phase, stage, and first inference step."""

    phase: Phase
    stage: str
    first_step: int = 1


@dataclass(frozen=True)
class Loaded:
    """The operations that bring data onto the chip before an update may start."""

    weights: Mapping[int, Key]
    input: Key
    target: Key | None


def load(program: ProgramBuilder, *, with_target: bool) -> Loaded:
    """Cold-start loads of weights and first batch, and the prefetch of the next batch.

    In the steady state the batch of this update was prefetched during the one before (double
    buffered), so only the prefetch costs time, and only where it is slower than the update itself.
    """
    last = program.depth

    def from_dram(role: Role, layer: int, words: int, phase: Phase) -> Key:
        return program.add(
            Kind.EXCHANGE, layer, phase=phase, stage="data", role=role, elements=words
        )

    weights = {
        layer: from_dram(
            Role.WEIGHTS, layer, program.widths[layer - 1] * program.widths[layer], Phase.SETUP
        )
        for layer in range(1, last + 1)
    }
    inputs = target = None
    for phase in (Phase.START, Phase.SETUP):
        inputs = from_dram(Role.INPUT, 1, program.batch * program.widths[0], phase)
        if with_target:
            target = from_dram(Role.TARGET, last, program.batch * program.widths[last], phase)
    assert inputs is not None
    return Loaded(weights, inputs, target)


def product(
    program: ProgramBuilder, kind: Kind, layer: int, place: Place, needs: Iterable[Need | Key]
) -> Key:
    """One product of ``layer`` and the addition of its partial sums; returns the latter."""
    done = program.add(
        kind,
        layer,
        phase=place.phase,
        stage=place.stage,
        needs=needs,
        first_step=place.first_step,
    )
    forward = kind is Kind.PRODUCT_FORWARD
    return program.add(
        Kind.REDUCE,
        layer,
        phase=place.phase,
        stage=place.stage,
        role=Role.PREDICTION if forward else Role.FEEDBACK,
        elements=program.batch * program.widths[layer if forward else layer - 1],
        kernel=REDUCE_KERNEL,
        needs=[done],
        first_step=place.first_step,
    )


def elementwise(
    program: ProgramBuilder,
    role: Role,
    layer: int,
    place: Place,
    kernel: Kernel,
    needs: Iterable[Need | Key],
) -> Key:
    """``kernel`` on every unit of ``layer`` and sample of the batch."""
    return program.add(
        Kind.ELEMENTWISE,
        layer,
        phase=place.phase,
        stage=place.stage,
        role=role,
        elements=program.batch * program.widths[layer],
        kernel=kernel,
        needs=needs,
        first_step=place.first_step,
    )


def send(
    program: ProgramBuilder, role: Role, layer: int, place: Place, needs: Iterable[Need | Key]
) -> Key:
    """Send batch x width words of ``layer``: its state up, its feedback down, its error within."""
    width = program.widths[layer - 1 if role is Role.FEEDBACK else layer]
    return program.add(
        Kind.EXCHANGE,
        layer,
        phase=place.phase,
        stage=place.stage,
        role=role,
        elements=program.batch * width,
        needs=needs,
        first_step=place.first_step,
    )


def forward_pass(program: ProgramBuilder, loaded: Loaded, *, phi: str) -> None:
    """p_l = phi(z_{l-1}) W_l^T and z_l = p_l for l = 1..L, each state sent up as it is ready."""
    place = Place(Phase.START, "forward")
    operand = loaded.input
    for layer in range(1, program.depth + 1):
        predicted = product(
            program, Kind.PRODUCT_FORWARD, layer, place, [loaded.weights[layer], operand]
        )
        if layer < program.depth:
            kernel = Kernel(activation(phi), reads=1, writes=1)
            active = elementwise(program, Role.STATE, layer, place, kernel, [predicted])
            operand = send(program, Role.STATE, layer, place, [active])


def learn(
    program: ProgramBuilder, needs: Mapping[int, Iterable[Need | Key]], *, optimiser: str
) -> None:
    """Weight gradient and update of the layers in ``needs``, from the top layer down."""
    gradients = {
        layer: program.add(
            Kind.WEIGHT_GRADIENT, layer, phase=Phase.FINISH, stage="update", needs=needs[layer]
        )
        for layer in sorted(needs, reverse=True)
    }
    for layer, gradient in gradients.items():
        program.add(
            Kind.UPDATE,
            layer,
            phase=Phase.FINISH,
            stage="update",
            elements=program.widths[layer - 1] * program.widths[layer],
            kernel=OPTIMISERS[optimiser],
            needs=[gradient],
        )


def keep_forward_memory(program: ProgramBuilder, layer: int) -> None:
    """What a forward pass keeps: weights, the operand (the batch double buffered), the product."""
    copies = 2 if layer == 1 else 1
    program.keep(layer, "weights", kind="weight", axis="weight")
    program.keep(layer, "operand", kind="state", axis="in", copies=copies)
    program.keep(layer, "prediction", kind="state", axis="out")
    if layer < program.depth:
        program.keep(layer, "activation out", kind="state", axis="out", owner=True)


def keep_learning_memory(program: ProgramBuilder, layer: int, *, optimiser: str) -> None:
    """What learning keeps besides: gradient, optimiser state, error, feedback in and out, target."""
    program.keep(layer, "gradient", kind="gradient", axis="weight")
    if OPTIMISER_WORDS[optimiser]:
        copies = OPTIMISER_WORDS[optimiser]
        program.keep(layer, "optimiser state", kind="optimiser", axis="weight", copies=copies)
    program.keep(layer, "error", kind="error", axis="out")
    if layer > 1:
        program.keep(layer, "feedback out", kind="error", axis="in")
    if layer < program.depth:
        program.keep(layer, "feedback in", kind="error", axis="out", owner=True)
    else:
        program.keep(layer, "target", kind="state", axis="out", copies=2, owner=True)
