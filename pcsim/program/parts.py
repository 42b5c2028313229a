"""The pieces that every rule's program shares: loading, the forward pass, learning, memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import ADD, OPTIMISER_WORDS, OPTIMISERS, SOFTMAX, SUBTRACT, Kernel
from pcsim.program.ops import Key, Kind, Need, Phase, Place, Role

OUTPUT_KERNELS = {
    "mse": Kernel((SUBTRACT,), reads=2, writes=1),
    "cross_entropy": Kernel((SOFTMAX, SUBTRACT), reads=2, writes=1),
}
"""Error of the output layer: y - p_L, or y - softmax(p_L)."""

REDUCE_KERNEL = Kernel((ADD,), reads=2, writes=1)
"""One addition where two partial sums meet."""


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
        return program.add(Kind.EXCHANGE, layer, Place(phase, "data"), role=role, elements=words)

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
        place,
        needs=needs,
    )
    forward = kind is Kind.PRODUCT_FORWARD
    return program.add(
        Kind.REDUCE,
        layer,
        place,
        role=Role.PREDICTION if forward else Role.FEEDBACK,
        elements=program.batch * program.widths[layer if forward else layer - 1],
        kernel=REDUCE_KERNEL,
        needs=[done],
    )


def receive(program: ProgramBuilder, form: Form, layer: int, place: Place, operand: Key) -> Key:
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
) -> Key:
    """Backward product of ``layer`` and its feedback sent down; returns what arrives below.

    ``skip_needs``: the error of ``layer``, which a skip adds where its feedback is summed.
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
    return send(program, Role.FEEDBACK, layer, place, [ready])


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
    program: ProgramBuilder, role: Role, layer: int, place: Place, needs: Iterable[Need | Key]
) -> Key:
    """Send batch x width words of ``layer``: its state up, its feedback down, its error within."""
    width = program.widths[layer - 1 if role is Role.FEEDBACK else layer]
    return program.add(
        Kind.EXCHANGE,
        layer,
        place,
        role=role,
        elements=program.batch * width,
        needs=needs,
    )


def send_state(
    program: ProgramBuilder, form: Form, layer: int, place: Place, needs: Iterable[Need | Key]
) -> tuple[Key, list[Key]]:
    """Send the state of ``layer`` up as an operand and, to a layer with a skip, as a term of its prediction."""
    wanted = list(needs)
    operand = send(program, Role.STATE, layer, place, wanted)
    if not form.skip(layer + 1):
        return operand, []
    # Where the operand already holds it (a layer on one tile), this one moves nothing.
    return operand, [send(program, Role.SKIPPED_STATE, layer, place, [*wanted, operand])]


def forward_pass(program: ProgramBuilder, form: Form, loaded: Loaded) -> None:
    """The predictions p_l and z_l = p_l for l = 1..L, each state sent up as it is ready."""
    place = Place(Phase.START, "forward")
    operand, beside = loaded.input, list[Key]()
    for layer in range(1, program.depth + 1):
        operand = receive(program, form, layer, place, operand)
        predicted = product(
            program, Kind.PRODUCT_FORWARD, layer, place, [loaded.weights[layer], operand]
        )
        combine = form.combine(layer)
        if layer < program.depth:
            primitives = (
                *combine.primitives,
                *form.predicted_activation(layer),
                *form.sent_activation(layer),
            )
            kernel = Kernel(primitives, combine.reads, writes=1)
            needs = [predicted, *beside]
            active = elementwise(program, Role.STATE, layer, place, kernel, needs)
            operand, beside = send_state(program, form, layer, place, [active])
        elif combine.primitives:
            elementwise(program, Role.PREDICTION, layer, place, combine, [predicted])


def output(program: ProgramBuilder, form: Form) -> Key:
    """The operation after which the prediction of the output layer is complete."""
    kind = Kind.ELEMENTWISE if form.combine(program.depth).primitives else Kind.REDUCE
    return Key(kind, Role.PREDICTION, program.depth, Phase.START)


def learn(
    program: ProgramBuilder,
    form: Form,
    needs: Mapping[int, Iterable[Need | Key]],
    *,
    optimiser: str,
) -> None:
    """Weight (and bias) gradient and update of the layers in ``needs``, from the top layer down.

    The gradient of a bias is its error summed over the batch; biases are updated with the weights.
    """
    finish = Place(Phase.FINISH, "update")
    ready: dict[int, list[Key]] = {}
    for layer in sorted(needs, reverse=True):
        wanted = list(needs[layer])
        gradient = program.add(Kind.WEIGHT_GRADIENT, layer, finish, needs=wanted)
        ready[layer] = [gradient]
        if form.bias:
            summed = Kernel((ADD,), reads=1, writes=0)
            ready[layer].append(elementwise(program, Role.BIAS, layer, finish, summed, wanted))
    for layer, gradients in ready.items():
        program.add(
            Kind.UPDATE,
            layer,
            finish,
            elements=program.widths[layer - 1] * program.widths[layer],
            kernel=OPTIMISERS[optimiser],
            needs=gradients[:1],
        )
        if form.bias:
            program.add(
                Kind.UPDATE,
                layer,
                finish,
                role=Role.BIAS,
                elements=program.widths[layer],
                kernel=OPTIMISERS[optimiser],
                needs=gradients[1:],
            )


def keep_forward_memory(program: ProgramBuilder, form: Form, layer: int) -> None:
    """What a forward pass keeps: weights, biases, the operand (the batch double buffered; z beside
    phi(z) where z is added, too), the product."""
    copies = 2 if layer == 1 else 1
    program.keep(layer, "weights", kind="weight", axis="weight")
    program.keep(layer, "operand", kind="state", axis="in", copies=copies)
    if form.skip(layer):
        program.keep(layer, "skipped state", kind="state", axis="out", owner=True)
    if form.bias:
        program.keep(layer, "biases", kind="weight", axis="unit", owner=True)
    program.keep(layer, "prediction", kind="state", axis="out")
    if layer < program.depth:
        program.keep(layer, "activation out", kind="state", axis="out", owner=True)


def keep_learning_memory(
    program: ProgramBuilder, form: Form, layer: int, *, optimiser: str
) -> None:
    """What learning keeps besides: gradient, optimiser state, error, feedback in and out, target."""
    program.keep(layer, "gradient", kind="gradient", axis="weight")
    if form.bias:
        copies = 1 + OPTIMISER_WORDS[optimiser]
        program.keep(
            layer, "bias gradient", kind="gradient", axis="unit", copies=copies, owner=True
        )
    if OPTIMISER_WORDS[optimiser]:
        copies = OPTIMISER_WORDS[optimiser]
        program.keep(layer, "optimiser state", kind="optimiser", axis="weight", copies=copies)
    program.keep(layer, "error", kind="error", axis="out")
    if layer > 1:
        program.keep(layer, "feedback out", kind="error", axis="in")
    if form.skip(layer):
        program.keep(layer, "skipped error", kind="error", axis="in")
    if layer < program.depth:
        program.keep(layer, "feedback in", kind="error", axis="out", owner=True)
    else:
        program.keep(layer, "target", kind="state", axis="out", copies=2, owner=True)
