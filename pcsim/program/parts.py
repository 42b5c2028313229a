"""The pieces that every rule's program shares: loading, products, exchanges, the forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import ADD, SOFTMAX, SUBTRACT, Kernel
from pcsim.program.ops import ALL, Key, Kind, Need, Phase, Place, Role
from pcsim.program.words import Words

OUTPUT_KERNELS = {
    "mse": Kernel((SUBTRACT,), reads=Words(state=2), writes=Words(error=1)),
    "cross_entropy": Kernel((SOFTMAX, SUBTRACT), reads=Words(state=2), writes=Words(error=1)),
}
"""Error of the output layer: y - p_L, or y - softmax(p_L)."""

COMPLETE_PREDICTION = Kernel((ADD,), reads=Words(accumulate=2), writes=Words(state=1))
COMPLETE_FEEDBACK = Kernel((ADD,), reads=Words(accumulate=2), writes=Words(error=1))
"""The addition that completes a sum and rounds it to what it is."""


@dataclass(frozen=True)
class Loaded:
    """What brings data onto the chip before an update may start."""

    weights: Mapping[int, Need]
    input: Need
    target: Need | None


def load(program: ProgramBuilder, *, with_target: bool) -> Loaded:
    """Cold-start loads of weights and first batch, and the prefetch of the next batch.

    In the steady state the batch of this update was prefetched during the one before (double
    buffered), so only the prefetch costs time, and only where it is slower than the update itself.
    """
    last = program.depth

    def from_dram(role: Role, layer: int, words: int, phase: Phase) -> Need:
        place = Place(phase, "data")
        return Need(program.add(Kind.EXCHANGE, layer, place, role=role, elements=words), ALL)

    samples = program.batch * program.micro_batches

    def all_weights(role: Role) -> dict[int, Need]:
        sizes = {k: program.widths[k - 1] * program.widths[k] for k in range(1, last + 1)}
        return {layer: from_dram(role, layer, size, Phase.SETUP) for layer, size in sizes.items()}

    weights = all_weights(Role.WEIGHTS)
    if program.master:
        all_weights(Role.MASTER)
    inputs = target = None
    for phase in (Phase.START, Phase.SETUP):
        inputs = from_dram(Role.INPUT, 1, samples * program.widths[0], phase)
        if with_target:
            target = from_dram(Role.TARGET, last, samples * program.widths[last], phase)
    assert inputs is not None
    return Loaded(weights, inputs, target)


def product(
    program: ProgramBuilder,
    kind: Kind,
    layer: int,
    place: Place,
    needs: Iterable[Need | Key],
    *,
    role: Role | None = None,
) -> Key:
    """One product of ``layer`` and the addition of its partial sums; returns the latter."""
    done = program.add(kind, layer, place, role=role, needs=needs)
    forward = kind is Kind.PRODUCT_FORWARD
    return program.add(
        Kind.REDUCE,
        layer,
        place,
        role=role or (Role.PREDICTION if forward else Role.FEEDBACK),
        elements=program.batch * program.widths[layer if forward else layer - 1],
        kernel=COMPLETE_PREDICTION if forward else COMPLETE_FEEDBACK,
        needs=[done],
    )


def receive(
    program: ProgramBuilder, form: Form, layer: int, place: Place, operand: Need | Key
) -> Need | Key:
    """The operand of ``layer``'s product, phi applied to it where a state was sent; returns what to need."""
    kernel = form.received_activation(layer)
    if kernel is None:
        return operand
    return program.add(
        Kind.ELEMENTWISE,
        layer,
        place,
        role=Role.OPERAND,
        elements=program.batch * program.widths[layer - 1],
        kernel=kernel,
        needs=[operand],
    )


def feed_back(
    program: ProgramBuilder,
    form: Form,
    layer: int,
    place: Place,
    needs: Iterable[Need | Key],
    *,
    skip_needs: Iterable[Need | Key],
    held_by: Iterable[Need | Key] = (),
    leaves: bool = True,
) -> Key:
    """Backward product of ``layer`` and its feedback sent down; returns what arrives below.

    ``skip_needs``: the error of ``layer``, which a skip adds where its feedback is summed.
    ``held_by``: what must have ended, too, before the feedback is sent; not ``leaves``: it stays.
    """
    ready = product(program, Kind.PRODUCT_BACKWARD, layer, place, needs)
    kernel = form.feedback(layer)
    if kernel is not None:
        beside = program.add(
            Kind.EXCHANGE,
            layer,
            place,
            role=Role.SKIPPED_ERROR,
            elements=program.batch * program.widths[layer],
            needs=skip_needs,
        )
        ready = program.add(
            Kind.ELEMENTWISE,
            layer,
            place,
            role=Role.FEEDBACK,
            elements=program.batch * program.widths[layer - 1],
            kernel=kernel,
            needs=[ready, beside],
        )
    if not leaves:
        return ready
    return send(program, Role.FEEDBACK, layer, place, [ready, *held_by])


def recompute(
    program: ProgramBuilder, form: Form, layer: int, place: Place, needs: Iterable[Need | Key]
) -> Key:
    """The prediction of ``layer`` and its activation once more, on the spot; returns what to need."""
    done = product(program, Kind.PRODUCT_FORWARD, layer, place, needs, role=Role.RECOMPUTED)
    kernel = forward_kernel(form, layer)
    if not kernel.primitives:
        return done
    return elementwise(program, Role.RECOMPUTED, layer, place, kernel, [done])


def forward_kernel(form: Form, layer: int) -> Kernel:
    """From the summed product to what is sent up; at the output to the prediction."""
    combine = form.combine(layer)
    if layer == form.depth:
        return combine
    primitives = (
        *combine.primitives,
        *form.predicted_activation(layer),
        *form.sent_activation(layer),
    )
    return Kernel(primitives, combine.reads, writes=Words(state=1))


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
        place,
        role=role,
        elements=program.batch * program.widths[layer],
        kernel=kernel,
        needs=needs,
    )


def send(
    program: ProgramBuilder,
    role: Role,
    layer: int,
    place: Place,
    needs: Iterable[Need | Key],
    *,
    told: tuple[int, ...] | None = None,
) -> Key:
    """Send batch x width words of ``layer``: its state up, its feedback down, its error within; or of these
    only as many as are ``told`` in each instance."""
    width = program.widths[layer - 1 if role is Role.FEEDBACK else layer]
    return program.add(
        Kind.EXCHANGE,
        layer,
        place,
        role=role,
        elements=program.batch * width,
        needs=needs,
        told=told,
    )


def send_state(
    program: ProgramBuilder,
    form: Form,
    layer: int,
    place: Place,
    needs: Iterable[Need | Key],
    *,
    told: tuple[int, ...] | None = None,
) -> tuple[Key, list[Key]]:
    """Send the state of ``layer`` up as an operand and, to a layer with a skip, as a term of its prediction."""
    wanted = list(needs)
    operand = send(program, Role.STATE, layer, place, wanted, told=told)
    if not form.skip(layer + 1):
        return operand, []
    # Where the operand already holds it (a layer on one tile), this one moves nothing.
    return operand, [send(program, Role.SKIPPED_STATE, layer, place, [*wanted, operand])]


def forward_pass(
    program: ProgramBuilder,
    form: Form,
    loaded: Loaded,
    *,
    place_of: Callable[[int], Place] | None = None,
) -> None:
    """The predictions p_l and z_l = p_l for l = 1..L, each state sent up as it is ready.

    ``place_of`` a layer is once for each micro-batch at the start, unless given.
    """
    operand: Need | Key = loaded.input
    beside = list[Key]()
    at_start = program.once_each(Phase.START, "forward")
    for layer in range(1, program.depth + 1):
        place = place_of(layer) if place_of else at_start
        operand = receive(program, form, layer, place, operand)
        predicted = product(
            program, Kind.PRODUCT_FORWARD, layer, place, [loaded.weights[layer], operand]
        )
        kernel = forward_kernel(form, layer)
        if layer < program.depth:
            needs = [predicted, *beside]
            active = elementwise(program, Role.STATE, layer, place, kernel, needs)
            operand, beside = send_state(program, form, layer, place, [active])
        elif kernel.primitives:
            elementwise(program, Role.PREDICTION, layer, place, kernel, [predicted])


def operand_of(form: Form, layer: int, loaded: Loaded, phase: Phase) -> Need | Key:
    """After which the operand of ``layer``, brought in ``phase``, is on its tiles."""
    if layer == 1:
        return loaded.input
    if form.received_activation(layer) is not None:
        return Key(Kind.ELEMENTWISE, Role.OPERAND, layer, phase)
    return Key(Kind.EXCHANGE, Role.STATE, layer - 1, phase)


def output(program: ProgramBuilder, form: Form, phase: Phase = Phase.START) -> Key:
    """The operation after which the prediction of the output layer is complete."""
    kind = Kind.ELEMENTWISE if form.combine(program.depth).primitives else Kind.REDUCE
    return Key(kind, Role.PREDICTION, program.depth, phase)
