"""Incremental predictive coding (ipc) as a program: every inference step also updates the weights.

Step t moves all states by the errors of step t - 1, updates every W_l by the same errors and states, and
predicts anew with the new weights. So W_1 learns in every step, too, and p_1 cannot be hoisted; the
predictions after the last step serve nobody and are left out. One array per tile does three products a
step.
"""

from __future__ import annotations

from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import MULTIPLY_ADD, SUBTRACT, Kernel
from pcsim.program.learning import gradient, update
from pcsim.program.loop import Loop
from pcsim.program.ops import Key, Kind, Need, Phase, Program, Role
from pcsim.program.parts import elementwise, feed_back, product, receive, send, send_state
from pcsim.program.relaxing import (
    error_kernel,
    keep,
    newest,
    operands,
    start,
    state_update_kernel,
)
from pcsim.program.words import Words


def incremental_predictive_coding(
    form: Form, *, batch: int, steps: int, optimiser: str, master: bool = False
) -> Program:
    """T steps of states and weights together, from a feed-forward start; every layer learns in each."""
    program = ProgramBuilder(form.widths, batch, optimiser=optimiser, master=master)
    loop, last = Loop(steps), program.depth
    every, but_last = loop.place(), loop.place(last=steps - 1)
    loaded = start(program, form, shared=lambda layer: True)
    send(program, Role.ERROR, 1, program.once_each(Phase.START, "forward"), [_started(1)])
    for layer in range(last, 1, -1):
        feed_back(
            program,
            form,
            layer,
            every,
            newest(program, Kind.EXCHANGE, Role.ERROR, layer, back=loop.back),
            skip_needs=newest(program, Kind.ELEMENTWISE, Role.ERROR, layer, back=loop.back),
        )
    learning = loop.place(stage="update")
    for layer in range(last, 0, -1):
        wanted = [
            *newest(program, Kind.EXCHANGE, Role.ERROR, layer, back=loop.back),
            *operands(program, form, layer, loaded, back=loop.back),
        ]
        ready = gradient(program, form, layer, learning, wanted)
        update(program, form, layer, learning, map(Need, ready))
    for layer in range(last - 1, 0, -1):
        feedback = Need(Key(Kind.EXCHANGE, Role.FEEDBACK, layer + 1, Phase.STEP))
        own = newest(program, Kind.ELEMENTWISE, Role.ERROR, layer, back=loop.back)
        needs = [feedback, *own]
        kernel = state_update_kernel(form, layer)
        moved = elementwise(program, Role.STATE, layer, but_last, kernel, needs)
        # A state that arrives must not meet a gradient that still reads the one before.
        read = Need(Key(Kind.WEIGHT_GRADIENT, None, layer + 1, Phase.STEP))
        send_state(program, form, layer, but_last, [moved, read])
        elementwise(
            program,
            Role.LAST_STATE,
            layer,
            loop.place(steps),
            last_state_kernel(form, layer),
            needs,
        )
    for layer in range(last, 0, -1):
        operand: Need | Key = loaded.input
        if layer > 1:
            arrived = Key(Kind.EXCHANGE, Role.STATE, layer - 1, Phase.STEP)
            operand = receive(program, form, layer, but_last, arrived)
        updated = Key(Kind.UPDATE, None, layer, Phase.STEP)
        product(program, Kind.PRODUCT_FORWARD, layer, but_last, [operand, updated])
    for layer in range(last, 0, -1):
        predicted = [Need(Key(Kind.REDUCE, Role.PREDICTION, layer, Phase.STEP))]
        if layer < last:
            predicted.append(Need(Key(Kind.ELEMENTWISE, Role.STATE, layer, Phase.STEP)))
        if form.bias:
            predicted.append(Need(Key(Kind.UPDATE, Role.BIAS, layer, Phase.STEP)))
        if form.skip(layer):
            predicted.append(Need(Key(Kind.EXCHANGE, Role.SKIPPED_STATE, layer - 1, Phase.STEP)))
        kernel = error_kernel(form, layer, fresh=True)
        error = elementwise(program, Role.ERROR, layer, but_last, kernel, predicted)
        send(program, Role.ERROR, layer, but_last, [error])
    keep(program, form)
    credited = tuple(range(max(1, last - steps + 1), last + 1))
    return program.build("pc", steps=steps, credited=credited)


def last_state_kernel(form: Form, layer: int) -> Kernel:
    """z after the last step, which no product reads: phi is left out."""
    return Kernel(
        (*form.received_slope(layer), SUBTRACT, MULTIPLY_ADD),
        reads=Words(state=1, error=2),
        writes=Words(state=1),
    )


def _started(layer: int) -> Key:
    return Key(Kind.ELEMENTWISE, Role.ERROR, layer, Phase.START)
