"""Predictive coding as a program: relax the states for T inference steps, then update the weights.

Per sample F = sum_l 1/2 ||z_l - p_l||^2 with p_l = phi(z_{l-1}) W_l^T; one Jacobi step moves all hidden
states at once, z_l <- z_l + eta (-e_l + phi'(z_l) * (e_{l+1} W_{l+1})), and the weight gradient is
-e_l^T phi(z_{l-1}) at the last state. Not here: biases, skips, other orders.
"""

from __future__ import annotations

from pcsim.program.ops import (
    MULTIPLY,
    MULTIPLY_ADD,
    SUBTRACT,
    Kernel,
    Key,
    Kind,
    Need,
    Phase,
    Program,
    ProgramBuilder,
    Role,
    activation,
    derivative,
)
from pcsim.program.parts import (
    OUTPUT_KERNELS,
    Place,
    elementwise,
    forward_pass,
    keep_forward_memory,
    keep_learning_memory,
    learn,
    load,
    product,
    send,
)

ERROR_KERNEL = Kernel((SUBTRACT,), reads=2, writes=1)
"""e_l = z_l - p_l."""


def state_update_kernel(phi: str) -> Kernel:
    """z <- z + eta (phi'(z) c - e), then phi(z) to be sent up: reads z, c, e; writes z, phi(z)."""
    slope = () if phi == "linear" else (*derivative(phi), MULTIPLY)
    return Kernel((*slope, SUBTRACT, MULTIPLY_ADD, *activation(phi)), reads=3, writes=2)


def predictive_coding(
    widths: tuple[int, ...],
    *,
    batch: int,
    steps: int,
    phi: str,
    loss: str,
    optimiser: str,
    wavefront: bool = True,
    hoist: bool = True,
) -> Program:
    """Jacobi predictive coding from a feed-forward start: T synchronous steps, one weight update.

    ``hoist``: p_1 does not change during inference and is computed once. ``wavefront``: after t steps
    only layers l >= L - t can differ from the feed-forward start (e_l is exactly 0 below), so only
    they run, and only layers l >= L - T receive a gradient and an update.
    """
    program = ProgramBuilder(widths, batch)
    last = program.depth

    def product_place(layer: int) -> Place:
        """W_l is used from step L - l + 1 on, when the errors or states beside it are no longer 0."""
        return Place(Phase.STEP, "inference", last - layer + 1 if wavefront else 1)

    def error_place(layer: int) -> Place:
        """e_l changes from step L - l on, when z_l first moves."""
        return Place(Phase.STEP, "inference", max(1, last - layer) if wavefront else 1)

    # 1. Feed-forward start: z_l = p_l, so only e_L is non-zero.
    loaded = load(program, with_target=True)
    forward_pass(program, loaded, phi=phi)
    start = Place(Phase.START, "forward")
    for layer in range(1, last + 1):
        kernel = OUTPUT_KERNELS[loss] if layer == last else ERROR_KERNEL
        needs = [Key(Kind.REDUCE, Role.PREDICTION, layer, Phase.START)]
        if layer == last and loaded.target is not None:
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
        place = product_place(layer)
        needs_error = latest(Kind.EXCHANGE, Role.ERROR, layer, steps_back=1)
        summed = product(program, Kind.PRODUCT_BACKWARD, layer, place, needs_error)
        send(program, Role.FEEDBACK, layer, place, [summed])
    for layer in range(last - 1, 0, -1):
        place = product_place(layer + 1)
        feedback = Key(Kind.EXCHANGE, Role.FEEDBACK, layer + 1, Phase.STEP)
        own = latest(Kind.ELEMENTWISE, Role.ERROR, layer, steps_back=1)
        kernel = state_update_kernel(phi)
        moved = elementwise(program, Role.STATE, layer, place, kernel, [feedback, *own])
        send(program, Role.STATE, layer, place, [moved])
    for layer in range(last, 0, -1):
        if layer > 1:
            operand = Key(Kind.EXCHANGE, Role.STATE, layer - 1, Phase.STEP)
            product(program, Kind.PRODUCT_FORWARD, layer, product_place(layer), [operand])
        elif not hoist:
            place = Place(Phase.STEP, "inference")
            product(program, Kind.PRODUCT_FORWARD, layer, place, [loaded.input])
    for layer in range(last, 0, -1):
        place = error_place(layer)
        kernel = OUTPUT_KERNELS[loss] if layer == last else ERROR_KERNEL
        moved_needs = (
            [Need(Key(Kind.ELEMENTWISE, Role.STATE, layer, Phase.STEP))] if layer < last else []
        )
        predicted = latest(Kind.REDUCE, Role.PREDICTION, layer)
        if layer == 1 and hoist:
            predicted = predicted[1:]
        error = elementwise(program, Role.ERROR, layer, place, kernel, [*predicted, *moved_needs])
        if layer > 1:
            send(program, Role.ERROR, layer, place, [error])

    # 3. Weight gradients from the last errors and states, then the update.
    credited = tuple(
        layer for layer in range(1, last + 1) if not wavefront or layer >= last - steps
    )
    gradient_needs: dict[int, list[Need | Key]] = {}
    for layer in credited:
        if layer > 1:
            gradient_needs[layer] = [
                *latest(Kind.EXCHANGE, Role.ERROR, layer),
                *latest(Kind.EXCHANGE, Role.STATE, layer - 1),
            ]
        else:
            # W_1 has no backward product, so e_1 is shared only now.
            finish = Place(Phase.FINISH, "update")
            error_needs = latest(Kind.ELEMENTWISE, Role.ERROR, 1)
            shared = send(program, Role.ERROR, 1, finish, error_needs)
            gradient_needs[layer] = [shared, loaded.input]
    learn(program, gradient_needs, optimiser=optimiser)

    for layer in range(1, last + 1):
        keep_forward_memory(program, layer)
        keep_learning_memory(program, layer, optimiser=optimiser)
        if layer < last:
            program.keep(layer, "state", kind="state", axis="out", owner=True)
    return program.build("pc", steps=steps, optimiser=optimiser, credited=credited)
