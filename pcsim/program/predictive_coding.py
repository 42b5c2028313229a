"""Predictive coding as a program: relax the states for T inference steps, then update the weights.

Per sample F = sum_l 1/2 ||z_l - p_l||^2; one Jacobi step moves all hidden states at once,
z_l <- z_l - eta dF/dz_l = z_l + eta (-e_l + feedback from e_{l+1}), and the weight gradient is
-e_l phi(z_{l-1})^T at the last state. `form` says what p_l is. Not here: other orders.
"""

from __future__ import annotations

from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import MULTIPLY_ADD, SUBTRACT, Kernel
from pcsim.program.ops import Key, Kind, Need, Phase, Place, Program, Role
from pcsim.program.parts import (
    OUTPUT_KERNELS,
    elementwise,
    feed_back,
    forward_pass,
    keep_forward_memory,
    keep_learning_memory,
    learn,
    load,
    product,
    receive,
    send,
    send_state,
)


def state_update_kernel(form: Form, layer: int) -> Kernel:
    """z <- z + eta (feedback - e), then what is sent up: reads z, feedback, e; writes z, and phi(z)."""
    sent = form.sent_activation(layer)
    primitives = (*form.received_slope(layer), SUBTRACT, MULTIPLY_ADD, *sent)
    return Kernel(primitives, reads=3, writes=1 if form.sends_state(layer) else 2)


def error_kernel(form: Form, layer: int, *, fresh: bool) -> Kernel:
    """From the summed product to e_l, and to phi'(u_l) e_l where phi comes after the product.

    Reads the product and z (y at the output), and a skipped state; writes e_l (and its product with
    the slope, which feedback and gradient take). Not ``fresh``: the prediction is complete already.
    """
    if not fresh:
        behind = form.slope() if form.post else ()
        return Kernel((SUBTRACT, *behind), reads=2, writes=2 if behind else 1)
    combine = form.combine(layer)
    if layer == form.depth:
        last = OUTPUT_KERNELS[form.loss]
        return Kernel((*combine.primitives, *last.primitives), combine.reads + 1, writes=1)
    behind = form.slope() if form.post else ()
    primitives = (*combine.primitives, *form.predicted_activation(layer), SUBTRACT, *behind)
    return Kernel(primitives, combine.reads + 1, writes=2 if behind else 1)


def predictive_coding(
    form: Form,
    *,
    batch: int,
    steps: int,
    optimiser: str,
    wavefront: bool = True,
    hoist: bool = True,
) -> Program:
    """Jacobi predictive coding from a feed-forward start: T synchronous steps, one weight update.

    ``hoist``: p_1 does not change during inference and is computed once. ``wavefront``: after t steps
    only layers l >= L - t can differ from the feed-forward start (e_l is exactly 0 below), so only
    they run, and only layers l >= L - T receive a gradient and an update.
    """
    program = ProgramBuilder(form.widths, batch)
    last = program.depth

    def product_place(layer: int) -> Place:
        """W_l is used from step L - l + 1 on, when the errors or states beside it are no longer 0."""
        return Place(Phase.STEP, "inference", last - layer + 1 if wavefront else 1)

    def error_place(layer: int) -> Place:
        """e_l changes from step L - l on, when z_l first moves."""
        return Place(Phase.STEP, "inference", max(1, last - layer) if wavefront else 1)

    # 1. Feed-forward start: z_l = p_l, so only e_L is non-zero.
    loaded = load(program, with_target=True)
    forward_pass(program, form, loaded)
    start = Place(Phase.START, "forward")
    for layer in range(1, last + 1):
        needs: list[Need | Key] = [Key(Kind.REDUCE, Role.PREDICTION, layer, Phase.START)]
        kernel = Kernel((SUBTRACT,), reads=2, writes=1)
        if layer == last:
            kernel = OUTPUT_KERNELS[form.loss]
            if form.combine(last).primitives:
                needs.append(Key(Kind.ELEMENTWISE, Role.PREDICTION, last, Phase.START))
            if loaded.target is not None:
                needs.append(loaded.target)
        error = elementwise(program, Role.ERROR, layer, start, kernel, needs)
        if layer > 1 and (layer == last or not wavefront):
            send(program, Role.ERROR, layer, start, [error])
    started = {op.key for op in program.ops}

    def latest(kind: Kind, role: Role, layer: int, *, steps_back: int = 0) -> list[Need]:
        """The newest instance of an operation that runs at the start, in every step, or both."""
        needs = [Need(Key(kind, role, layer, Phase.STEP), steps_back)]
        at_start = Key(kind, role, layer, Phase.START)
        return [*needs, Need(at_start)] if at_start in started else needs

    # 2. One inference step: feedback down, states move and are sent up, predictions, errors.
    for layer in range(last, 1, -1):
        feed_back(
            program,
            form,
            layer,
            product_place(layer),
            latest(Kind.EXCHANGE, Role.ERROR, layer, steps_back=1),
            skip_needs=latest(Kind.ELEMENTWISE, Role.ERROR, layer, steps_back=1),
        )
    for layer in range(last - 1, 0, -1):
        place = product_place(layer + 1)
        feedback = Key(Kind.EXCHANGE, Role.FEEDBACK, layer + 1, Phase.STEP)
        own = latest(Kind.ELEMENTWISE, Role.ERROR, layer, steps_back=1)
        kernel = state_update_kernel(form, layer)
        moved = elementwise(program, Role.STATE, layer, place, kernel, [feedback, *own])
        send_state(program, form, layer, place, [moved])
    for layer in range(last, 0, -1):
        if layer > 1:
            place = product_place(layer)
            arrived = Key(Kind.EXCHANGE, Role.STATE, layer - 1, Phase.STEP)
            operand = receive(program, form, layer, place, arrived)
            product(program, Kind.PRODUCT_FORWARD, layer, place, [operand])
        elif not hoist:
            place = Place(Phase.STEP, "inference")
            product(program, Kind.PRODUCT_FORWARD, layer, place, [loaded.input])
    for layer in range(last, 0, -1):
        place = error_place(layer)
        predicted = latest(Kind.REDUCE, Role.PREDICTION, layer)
        if layer == 1 and hoist:
            predicted = predicted[1:]
        if layer < last:
            predicted.append(Need(Key(Kind.ELEMENTWISE, Role.STATE, layer, Phase.STEP)))
        if form.skip(layer):
            predicted += latest(Kind.EXCHANGE, Role.SKIPPED_STATE, layer - 1)
        kernel = error_kernel(form, layer, fresh=layer > 1 or layer == last or not hoist)
        error = elementwise(program, Role.ERROR, layer, place, kernel, predicted)
        if layer > 1:
            send(program, Role.ERROR, layer, place, [error])

    # 3. Weight gradients from the last errors and states, then the update.
    credited = tuple(
        layer for layer in range(1, last + 1) if not wavefront or layer >= last - steps
    )
    gradient_needs: dict[int, list[Need | Key]] = {}
    for layer in credited:
        if layer == 1:
            # W_1 has no backward product, so e_1 is shared only now.
            finish = Place(Phase.FINISH, "update")
            error_needs = latest(Kind.ELEMENTWISE, Role.ERROR, 1)
            shared = send(program, Role.ERROR, 1, finish, error_needs)
            gradient_needs[layer] = [shared, loaded.input]
            continue
        if form.received_activation(layer) is not None:
            operands = latest(Kind.ELEMENTWISE, Role.OPERAND, layer)
        else:
            operands = latest(Kind.EXCHANGE, Role.STATE, layer - 1)
        gradient_needs[layer] = [*latest(Kind.EXCHANGE, Role.ERROR, layer), *operands]
    learn(program, form, gradient_needs, optimiser=optimiser)

    for layer in range(1, last + 1):
        keep_forward_memory(program, form, layer)
        keep_learning_memory(program, form, layer, optimiser=optimiser)
        if layer < last:
            program.keep(layer, "state", kind="state", axis="out", owner=True)
            if form.post:
                program.keep(layer, "error times slope", kind="error", axis="out")
    return program.build("pc", steps=steps, optimiser=optimiser, credited=credited)
