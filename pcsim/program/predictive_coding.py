"""Predictive coding as a program: relax the states for T inference steps, then update the weights.

Per sample F = sum_l 1/2 ||z_l - p_l||^2; one Jacobi step moves all hidden states at once,
z_l <- z_l - eta dF/dz_l = z_l + eta (-e_l + feedback from e_{l+1}), and the weight gradient is
-e_l phi(z_{l-1})^T at the last state. `form` says what p_l is. Other orders are in `ordered`.
"""

from __future__ import annotations

from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.loop import Loop
from pcsim.program.messages import Told, compare
from pcsim.program.ops import Key, Kind, Need, Phase, Place, Program, Role
from pcsim.program.parts import elementwise, feed_back, product, receive, send, send_state
from pcsim.program.relaxing import (
    error_kernel,
    finish,
    keep,
    learn_at_once,
    newest,
    start,
    state_update_kernel,
)
from pcsim.program.synchronise import Control, synchronise, wait_for
from pcsim.program.visits import Visits, turn, turn_of_error


def predictive_coding(
    form: Form,
    *,
    batch: int,
    steps: int,
    optimiser: str,
    wavefront: bool = True,
    hoist: bool = True,
    micro_batches: int = 1,
    control: Control | None = None,
    descent: str = "gd",
    nudged: bool = False,
    told: Told | None = None,
    visits: Visits | None = None,
    master: bool = False,
) -> Program:
    """Jacobi predictive coding from a feed-forward start: T synchronous steps, one weight update.

    ``hoist``: p_1 does not change during inference and is computed once. ``wavefront``: after t steps
    only layers l >= L - t can differ from the feed-forward start (e_l is exactly 0 below), so only
    they run, and only layers l >= L - T receive a gradient and an update. ``visits``: in which order tiles
    with many layers go through them. ``master``: the optimiser steps a second copy of the weights, of a
    format of its own.
    """
    program = ProgramBuilder(
        form.widths, batch, optimiser=optimiser, master=master, micro_batches=micro_batches
    )
    loop, last = Loop(steps, micro_batches), program.depth

    def product_place(layer: int) -> Place:
        """W_l is used from step L - l + 1 on, when the errors or states beside it are no longer 0."""
        return loop.place(last - layer + 1 if wavefront else 1, turn=turn(visits, layer))

    def error_place(layer: int) -> Place:
        """e_l changes from step L - l on, when z_l first moves."""
        first = max(1, last - layer) if wavefront else 1
        return loop.place(first, turn=turn_of_error(visits, layer))

    # 1. Feed-forward start: z_l = p_l, so only e_L is non-zero.
    loaded = start(
        program, form, shared=lambda layer: layer == last or not wavefront, nudged=nudged
    )

    # 2. One inference step: feedback down, states move and are sent up, predictions, errors.
    for layer in range(last, 1, -1):
        feed_back(
            program,
            form,
            layer,
            product_place(layer),
            [
                *newest(program, Kind.EXCHANGE, Role.ERROR, layer, back=loop.back),
                *wait_for(control, layer, back=loop.back),
            ],
            skip_needs=newest(program, Kind.ELEMENTWISE, Role.ERROR, layer, back=loop.back),
        )
    for layer in range(last - 1, 0, -1):
        place = product_place(layer + 1)
        feedback = Need(Key(Kind.EXCHANGE, Role.FEEDBACK, layer + 1, Phase.STEP))
        own = newest(program, Kind.ELEMENTWISE, Role.ERROR, layer, back=loop.back)
        own += wait_for(control, layer, back=loop.back)
        kernel = state_update_kernel(form, layer, descent)
        moved = elementwise(program, Role.STATE, layer, place, kernel, [feedback, *own])
        ready = compare(program, told, Role.STATE, layer, place, moved)
        upward = told.of(Role.STATE, layer, place) if told else None
        send_state(program, form, layer, place, [ready], told=upward)
    for layer in range(last, 0, -1):
        if layer > 1:
            place = product_place(layer)
            arrived = Key(Kind.EXCHANGE, Role.STATE, layer - 1, Phase.STEP)
            operand = receive(program, form, layer, place, arrived)
            product(program, Kind.PRODUCT_FORWARD, layer, place, [operand])
        elif not hoist:
            product(program, Kind.PRODUCT_FORWARD, layer, loop.place(), [loaded.input])
    for layer in range(last, 0, -1):
        place = error_place(layer)
        predicted = newest(program, Kind.REDUCE, Role.PREDICTION, layer)
        if layer == 1 and hoist:
            predicted = predicted[1:]
        if layer < last:
            predicted.append(Need(Key(Kind.ELEMENTWISE, Role.STATE, layer, Phase.STEP)))
        if form.skip(layer):
            predicted += newest(program, Kind.EXCHANGE, Role.SKIPPED_STATE, layer - 1)
        kernel = error_kernel(form, layer, fresh=layer > 1 or layer == last or not hoist)
        error = elementwise(program, Role.ERROR, layer, place, kernel, predicted)
        if layer > 1:
            ready = compare(program, told, Role.ERROR, layer, place, error)
            within = told.of(Role.ERROR, layer, place) if told else None
            send(program, Role.ERROR, layer, place, [ready], told=within)

    synchronise(
        program, control, loop, first=lambda layer: max(1, last - layer) if wavefront else 1
    )

    # 3. Weight gradients from the last errors and states, then the update.
    credited = tuple(
        layer for layer in range(1, last + 1) if not wavefront or layer >= last - steps
    )
    errors = {
        layer: newest(
            program,
            Kind.EXCHANGE if layer > 1 else Kind.ELEMENTWISE,
            Role.ERROR,
            layer,
            back=loop.final,
        )
        for layer in credited
    }
    if visits is None:
        finish(program, form, loaded, errors, final=loop.final, descent=descent)
    else:
        learn_at_once(program, form, loaded, credited, loop, visits.turn_of_error)
        keep(program, form, descent=descent)
    return program.build("pc", steps=steps, credited=credited)
