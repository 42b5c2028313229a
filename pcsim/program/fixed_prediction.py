"""Predictive coding with the predictions of the feed-forward pass (fpa, z_il) as programs.

fpa: phi' and p_l stay what the feed-forward pass made them, so an inference step is feedback and state
updates only; T steps bring errors to T + 1 layers.

z_il: with rate 1 and L - 1 steps, of which step t moves z_{L-t} alone, this is backpropagation; gated, only
the work that matters is done, in backpropagation's order: feedback, the state's one move, its error, the
weight gradient. Ungated, all layers work in all steps: predictive coding with T = L - 1.
"""

from __future__ import annotations

from pcsim.config import Value
from pcsim.program.backpropagation import output_delta
from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import ADD, SUBTRACT, Kernel
from pcsim.program.learning import learn
from pcsim.program.loop import Loop
from pcsim.program.memory import keep_forward_memory, keep_learning_memory
from pcsim.program.ops import Key, Kind, Need, Phase, Program, Role
from pcsim.program.parts import elementwise, feed_back, forward_pass, load, operand_of, send
from pcsim.program.predictive_coding import predictive_coding
from pcsim.program.relaxing import finish, newest, start, state_update_kernel
from pcsim.program.words import Words


def fixed_prediction(
    form: Form,
    *,
    batch: int,
    steps: int,
    optimiser: str,
    wavefront: bool = True,
    master: bool = False,
) -> Program:
    """T steps of feedback and state updates, then one weight update; ``wavefront`` as in jacobi."""
    program = ProgramBuilder(form.widths, batch, optimiser=optimiser, master=master)
    loop, last = Loop(steps), program.depth
    loaded = start(program, form, shared=lambda layer: layer == last or not wavefront)

    def error_of(kind: Kind, layer: int, *, back: int) -> list[Need]:
        """The newest error of a layer; the output's never changes."""
        if layer == last:
            return [Need(Key(kind, Role.ERROR, layer, Phase.START))]
        return newest(program, kind, Role.ERROR, layer, back=back)

    for layer in range(last, 1, -1):
        place = loop.place(last - layer + 1 if wavefront else 1)
        feed_back(
            program,
            form,
            layer,
            place,
            error_of(Kind.EXCHANGE, layer, back=loop.back),
            skip_needs=error_of(Kind.ELEMENTWISE, layer, back=loop.back),
        )
    for layer in range(last - 1, 0, -1):
        place = loop.place(last - layer if wavefront else 1)
        feedback = Need(Key(Kind.EXCHANGE, Role.FEEDBACK, layer + 1, Phase.STEP))
        own = newest(program, Kind.ELEMENTWISE, Role.ERROR, layer, back=loop.back)
        kernel = moved_error_kernel(form, layer)
        error = elementwise(program, Role.ERROR, layer, place, kernel, [feedback, *own])
        if layer > 1:
            send(program, Role.ERROR, layer, place, [error])
    credited = tuple(
        layer for layer in range(1, last + 1) if not wavefront or layer >= last - steps
    )
    errors = {
        layer: error_of(Kind.EXCHANGE if layer > 1 else Kind.ELEMENTWISE, layer, back=loop.final)
        for layer in credited
    }
    finish(program, form, loaded, errors, final=loop.final, fixed_operands=True)
    return program.build("pc", steps=steps, credited=credited)


def moved_error_kernel(form: Form, layer: int) -> Kernel:
    """z moves and e = z - p with the old p: reads z, feedback, e and p; writes z and e. phi(z) is not needed."""
    behind = form.slope() if form.post else ()
    moved = state_update_kernel(form, layer)
    sent = len(form.sent_activation(layer))
    primitives = moved.primitives[: len(moved.primitives) - sent]
    writes = Words(state=1, error=2 if behind else 1)
    return Kernel((*primitives, SUBTRACT, *behind), Words(state=2, error=2), writes)


def zero_divergence(
    form: Form, *, batch: int, optimiser: str, gated: bool = True, master: bool = False
) -> Program:
    """Z-IL (Song et al. 2020): exactly backpropagation's gradients by predictive coding's moves."""
    if not gated:
        return predictive_coding(
            form,
            batch=batch,
            steps=form.depth - 1,
            optimiser=optimiser,
            wavefront=False,
            master=master,
        )
    program = ProgramBuilder(form.widths, batch, optimiser=optimiser, master=master)
    last = program.depth
    loaded = load(program, with_target=True)
    forward_pass(program, form, loaded)
    place = program.once_each(Phase.START, "inference")
    error = output_delta(program, form, loaded, place, Phase.START)
    gradient_needs: dict[int, list[Need | Key]] = {}
    for layer in range(last, 0, -1):
        shared = send(program, Role.ERROR, layer, place, [error])
        gradient_needs[layer] = [shared, operand_of(form, layer, loaded, Phase.START)]
        if layer > 1:
            feedback = feed_back(program, form, layer, place, [shared], skip_needs=[error])
            kernel = only_move_kernel(form, layer - 1)
            error = elementwise(program, Role.ERROR, layer - 1, place, kernel, [feedback])
    learn(program, form, gradient_needs)
    for layer in range(1, last + 1):
        keep_forward_memory(program, form, layer)
        keep_learning_memory(program, form, layer)
        if layer < last:
            program.keep(layer, "state", "state", Value.STATE, axis="out", owner=True)
    credited = tuple(range(1, last + 1))
    return program.build("pc", steps=last - 1, credited=credited)


def only_move_kernel(form: Form, layer: int) -> Kernel:
    """The one move of a state whose error was 0, z = p + feedback, and its error: reads z, phi(z) and
    feedback, writes z and e."""
    slope = form.slope() if form.post else ()
    primitives = (*slope, *form.received_slope(layer), ADD, SUBTRACT)
    return Kernel(primitives, reads=Words(state=2, error=1), writes=Words(state=1, error=1))
