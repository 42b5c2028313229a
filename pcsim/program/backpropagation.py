"""Backpropagation as a program: forward, backward, update, one layer after the other.

delta_L is the output error, delta_{l-1} = phi'(z_{l-1}) * (delta_l W_l), the weight gradient is
-delta_l^T phi(z_{l-1}). phi' is taken from the stored phi(z), which suffices for relu and tanh. Schedules
with several micro-batches are in `pipelines`.
"""

from __future__ import annotations

from collections.abc import Iterable

from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import Kernel
from pcsim.program.learning import gradient, learn, update
from pcsim.program.memory import keep_forward_memory, keep_learning_memory
from pcsim.program.ops import Key, Need, Phase, Place, Program, Role
from pcsim.program.parts import (
    OUTPUT_KERNELS,
    Loaded,
    elementwise,
    feed_back,
    forward_pass,
    load,
    operand_of,
    output,
    send,
)
from pcsim.program.words import Words


def delta_kernel(form: Form, layer: int) -> Kernel:
    """delta = phi'(z) * c: reads phi(z) and c, writes delta; a copy where nothing is left to do.

    Where phi comes after the product its slope belongs to the layer's own prediction, which is the same
    number at the same place.
    """
    primitives = form.slope() if form.post else ()
    primitives = (*primitives, *form.received_slope(layer))
    reads = Words(state=1, error=1) if primitives else Words(error=1)
    return Kernel(primitives, reads, writes=Words(error=1))


def output_delta(
    program: ProgramBuilder,
    form: Form,
    loaded: Loaded,
    place: Place,
    phase: Phase,
    *,
    also: Iterable[Need | Key] = (),
) -> Key:
    """The error of the output; ``phase`` is that of the forward pass, ``also`` what must have ended, too."""
    needs: list[Need | Key] = [output(program, form, phase), *also]
    if loaded.target is not None:
        needs.append(loaded.target)
    return elementwise(program, Role.ERROR, program.depth, place, OUTPUT_KERNELS[form.loss], needs)


def backpropagation(
    form: Form, *, batch: int, optimiser: str, at_once: bool = False, master: bool = False
) -> Program:
    """Sequential BP of one whole batch. Each layer's weight gradient starts as soon as its delta is
    there and its backward product, on which the layers below wait, is done.

    ``at_once``: a layer learns before the next one is reached, while its weights are at hand. ``master``:
    the optimiser steps a second copy of the weights, of a format of its own.
    """
    program = ProgramBuilder(form.widths, batch, optimiser=optimiser, master=master)
    last = program.depth
    loaded = load(program, with_target=True)
    forward_pass(program, form, loaded)

    place = Place(Phase.START, "backward")
    delta = output_delta(program, form, loaded, place, Phase.START)
    gradient_needs: dict[int, list[Need | Key]] = {}
    for layer in range(last, 0, -1):
        shared = send(program, Role.ERROR, layer, place, [delta])
        wanted: list[Need | Key] = [shared, operand_of(form, layer, loaded, Phase.START)]
        if layer > 1:
            feedback = feed_back(program, form, layer, place, [shared], skip_needs=[delta])
            kernel = delta_kernel(form, layer - 1)
            delta = elementwise(program, Role.ERROR, layer - 1, place, kernel, [feedback])
        if at_once:
            learning = Place(Phase.START, "update")
            keys = gradient(program, form, layer, learning, wanted)
            update(program, form, layer, learning, [Need(key) for key in keys])
        else:
            gradient_needs[layer] = wanted
    learn(program, form, gradient_needs)

    for layer in range(1, last + 1):
        keep_forward_memory(program, form, layer)
        keep_learning_memory(program, form, layer)
    credited = tuple(range(1, last + 1))
    return program.build("bp", steps=0, credited=credited)
