"""Predictive coding over errors (epc) as a program: each step goes down through all layers and up again.

The e_l of the hidden layers are free and z_l = p_l + e_l follows. A step brings the output's error down as
backpropagation does, g_{l-1} = phi' * (g_l W_l) with g_L = e_L; moves e_l by eta (g_l - e_l); and predicts
upwards anew, layer after layer. Nothing runs beside anything else, so T steps take 2 T (L - 1) slots.
"""

from __future__ import annotations

from pcsim.program.backpropagation import delta_kernel
from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import ADD, MULTIPLY_ADD, SUBTRACT, Kernel
from pcsim.program.loop import Loop
from pcsim.program.ops import Key, Kind, Need, Phase, Program, Role
from pcsim.program.parts import (
    OUTPUT_KERNELS,
    elementwise,
    feed_back,
    product,
    receive,
    send,
    send_state,
)
from pcsim.program.relaxing import finish, newest, start
from pcsim.program.words import Words


def error_optimisation(
    form: Form, *, batch: int, steps: int, optimiser: str, master: bool = False
) -> Program:
    """T steps over errors from e = 0, one weight update from the last errors and states."""
    program = ProgramBuilder(form.widths, batch, optimiser=optimiser, master=master)
    loop, last = Loop(steps), program.depth
    every = loop.place()
    loaded = start(program, form, shared=lambda layer: layer == last)

    # Down: what arrives at layer l is g_l; it goes on down and moves e_l.
    brought = newest(program, Kind.EXCHANGE, Role.ERROR, last, back=loop.back)
    skipped = newest(program, Kind.ELEMENTWISE, Role.ERROR, last, back=loop.back)
    for layer in range(last, 1, -1):
        arrived = feed_back(program, form, layer, every, brought, skip_needs=skipped)
        pulled = elementwise(
            program, Role.PULL, layer - 1, every, delta_kernel(form, layer - 1), [arrived]
        )
        own = newest(program, Kind.ELEMENTWISE, Role.ERROR, layer - 1, back=loop.back)
        moved = Kernel((SUBTRACT, MULTIPLY_ADD), Words(error=2), Words(error=1))
        elementwise(program, Role.ERROR, layer - 1, every, moved, [pulled, *own])
        if layer > 2:
            brought = [Need(send(program, Role.PULL, layer - 1, every, [pulled]))]
            skipped = [Need(pulled)]

    # Up: z_1 = p_1 + e_1, then layer after layer.
    below: list[Need | Key] = []
    for layer in range(1, last):
        error = Key(Kind.ELEMENTWISE, Role.ERROR, layer, Phase.STEP)
        kernel = _state_kernel(form, layer)
        state = elementwise(program, Role.STATE, layer, every, kernel, [error, *below])
        operand, beside = send_state(program, form, layer, every, [state])
        ready = receive(program, form, layer + 1, every, operand)
        below = [product(program, Kind.PRODUCT_FORWARD, layer + 1, every, [ready]), *beside]
    if last > 1:
        combine = form.combine(last)
        loss = OUTPUT_KERNELS[form.loss]
        reads = combine.reads + Words(state=1)
        kernel = Kernel((*combine.primitives, *loss.primitives), reads, Words(error=1))
        error = elementwise(program, Role.ERROR, last, every, kernel, below)
        send(program, Role.ERROR, last, every, [error])

    place = program.once_each(Phase.FINISH, "update")
    errors: dict[int, list[Need]] = {}
    for layer in range(1, last + 1):
        if last == 1:  # Nothing moves.
            errors[layer] = [Need(Key(Kind.ELEMENTWISE, Role.ERROR, layer, Phase.START))]
            continue
        if layer == last:
            errors[layer] = newest(program, Kind.EXCHANGE, Role.ERROR, layer, back=loop.final)
            continue
        errors[layer] = newest(program, Kind.ELEMENTWISE, Role.ERROR, layer, back=loop.final)
        if layer > 1:
            errors[layer] = [Need(send(program, Role.ERROR, layer, place, errors[layer]))]
    finish(program, form, loaded, errors, final=loop.final)
    credited = tuple(range(1, last + 1)) if steps else (last,)
    return program.build("pc", steps=steps, credited=credited)


def _state_kernel(form: Form, layer: int) -> Kernel:
    """From the summed product and e to z = p + e and what is sent up; of layer 1, p is there already."""
    sent = form.sent_activation(layer)
    writes = Words(state=1 if form.sends_state(layer) else 2)
    if layer == 1:
        return Kernel((ADD, *sent), Words(state=1, error=1), writes)
    combine = form.combine(layer)
    primitives = (*combine.primitives, *form.predicted_activation(layer), ADD, *sent)
    return Kernel(primitives, combine.reads + Words(error=1), writes)
