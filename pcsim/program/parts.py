"""The pieces that every rule's program shares: loading, the forward pass, learning, memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pcsim.config import Value
from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import ADD, OPTIMISER_WORDS, SOFTMAX, SUBTRACT, Kernel, update_kernel
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


def gradient(
    program: ProgramBuilder,
    form: Form,
    layer: int,
    place: Place,
    needs: Iterable[Need | Key],
) -> list[Key]:
    """Weight gradient of ``layer``, and where there are biases theirs, the error summed over the batch.

    Those of several micro-batches are added up where they are kept.
    """
    wanted = list(needs)
    ready = [program.add(Kind.WEIGHT_GRADIENT, layer, place, needs=wanted)]
    if form.bias:
        summed = Kernel((ADD,), reads=Words(error=1), writes=Words())
        ready.append(elementwise(program, Role.BIAS, layer, place, summed, wanted))
    return ready


def update(
    program: ProgramBuilder, form: Form, layer: int, place: Place, gradients: Iterable[Need]
) -> Key:
    """The optimiser's step of the weights of ``layer``, and of its biases; ``gradients`` as from `gradient`."""
    assert program.optimiser is not None, "an update has an optimiser"
    of_weights, *of_biases = gradients
    kernel = update_kernel(program.optimiser, master=program.master)
    copies = [Need(Key(Kind.EXCHANGE, Role.MASTER, layer, Phase.SETUP), ALL)]
    done = program.add(
        Kind.UPDATE,
        layer,
        place,
        elements=program.widths[layer - 1] * program.widths[layer],
        kernel=kernel,
        needs=[of_weights, *(copies if program.master else [])],
    )
    if form.bias:
        program.add(
            Kind.UPDATE,
            layer,
            place,
            role=Role.BIAS,
            elements=program.widths[layer],
            kernel=kernel,
            needs=of_biases,
        )
    return done


def learn(program: ProgramBuilder, form: Form, needs: Mapping[int, Iterable[Need | Key]]) -> None:
    """Gradients of the layers in ``needs`` at the end of an update, from the top layer down, and their updates."""
    place = program.once_each(Phase.FINISH, "update")
    ready = {
        layer: gradient(program, form, layer, place, needs[layer])
        for layer in sorted(needs, reverse=True)
    }
    update_all(program, form, ready)


def update_all(program: ProgramBuilder, form: Form, gradients: Mapping[int, Iterable[Key]]) -> None:
    """One update of each layer once the gradients of all micro-batches are there."""
    once = Place(Phase.FINISH, "update")
    for layer, keys in gradients.items():
        update(program, form, layer, once, [Need(key, ALL) for key in keys])


def keep_forward_memory(
    program: ProgramBuilder,
    form: Form,
    layer: int,
    *,
    operands: int | None = None,
    activities: int | None = None,
) -> None:
    """What a forward pass keeps: weights, biases, the operand (the batch double buffered; z beside
    phi(z) where z is added, too), the product.

    ``operands``, ``activities``: of how many micro-batches at a time; of all unless given. A prediction
    is summed up where it will lie, which must hold the wider sums.
    """
    kept = program.micro_batches if operands is None else operands
    active = program.micro_batches if activities is None else activities
    copies = 2 * program.micro_batches if layer == 1 else kept
    program.keep(layer, "weights", "weight", Value.WEIGHT, axis="weight")
    program.keep(layer, "operand", "state", Value.STATE, axis="in", copies=copies)
    if form.skip(layer):
        program.keep(
            layer, "skipped state", "state", Value.STATE, axis="out", copies=kept, owner=True
        )
    if form.bias:
        program.keep(layer, "biases", "weight", Value.WEIGHT, axis="unit", owner=True)
    program.keep(layer, "prediction", "state", Value.ACCUMULATE, axis="out")
    if layer < program.depth:
        program.keep(
            layer, "activation out", "state", Value.STATE, axis="out", copies=active, owner=True
        )


def keep_learning_memory(
    program: ProgramBuilder, form: Form, layer: int, *, errors: int | None = None
) -> None:
    """What learning keeps besides: gradient, optimiser state, error, feedback in and out, target, and the
    weights that the optimiser steps where products read a copy of them.

    ``errors``: of how many micro-batches errors are kept at a time; of all unless given.
    """
    errors = program.micro_batches if errors is None else errors
    program.keep(layer, "gradient", "gradient", Value.ACCUMULATE, axis="weight")
    moments = OPTIMISER_WORDS[program.optimiser or "sgd"]
    if moments:
        program.keep(layer, "moments", "optimiser", Value.OPTIMISER, axis="weight", copies=moments)
    if program.master:
        program.keep(layer, "master weights", "master", Value.MASTER, axis="weight")
    if form.bias:
        _keep_bias_learning(program, layer, moments=moments)
    program.keep(layer, "error", "error", Value.ERROR, axis="out", copies=errors)
    if layer > 1:
        program.keep(layer, "feedback out", "error", Value.ACCUMULATE, axis="in")
    if form.skip(layer):
        program.keep(layer, "skipped error", "error", Value.ERROR, axis="in")
    if layer < program.depth:
        program.keep(layer, "feedback in", "error", Value.ERROR, axis="out", owner=True)
    else:
        copies = 2 * program.micro_batches
        program.keep(layer, "target", "state", Value.STATE, axis="out", copies=copies, owner=True)


def _keep_bias_learning(program: ProgramBuilder, layer: int, *, moments: int) -> None:
    """For the biases what learning keeps for the weights."""
    program.keep(layer, "bias gradient", "gradient", Value.ACCUMULATE, axis="unit", owner=True)
    if moments:
        program.keep(
            layer,
            "bias moments",
            "optimiser",
            Value.OPTIMISER,
            axis="unit",
            copies=moments,
            owner=True,
        )
    if program.master:
        program.keep(layer, "master biases", "master", Value.MASTER, axis="unit", owner=True)
