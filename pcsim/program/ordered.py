"""Predictive coding whose layers relax one after another: Gauss-Seidel from the top down, or odd, then even.

When layer l moves it takes the newest error of the layer above and its own, and its new state makes a
new prediction of layer l + 1. So e_l changes twice in a step: when z_l has moved (`MOVED`), which is what
layer l - 1 is fed back from, and when z_{l-1} has moved (`SETTLED`), which layer l moves by next.

gauss_seidel: l = L-1 .. 1 in each pass; pass k + 1 follows one layer behind pass k, so that T passes take 2T
slots longer than none. red_black: odd layers at once, then even ones; of neighbouring layers only one is
busy at a time, so that two can share a tile. The wavefront of the first has reached every layer in the
first pass, that of the second climbs two layers a step.
"""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import Kernel
from pcsim.program.loop import Loop
from pcsim.program.messages import Told, compare
from pcsim.program.ops import IN_TURN, Key, Kind, Need, Phase, Place, Program, Role, Turn
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
from pcsim.program.words import Words

MOVED, SETTLED = Role.ERROR, Role.SETTLED_ERROR


@dataclass(frozen=True)
class _Order:
    """When layer l of L moves: from which step on, and whose errors of the same step it takes.

    ``above_moved``: layer l + 1 has moved earlier in the step. ``own_settled``: so has layer l - 1.
    """

    first: int
    above_moved: bool
    own_settled: bool
    place: int
    """Among the layers of a step, for the order of the program; the highest first."""


def _gauss_seidel(layer: int, last: int, *, wavefront: bool) -> _Order:
    return _Order(first=1, above_moved=layer + 1 < last, own_settled=False, place=layer)


def _red_black(layer: int, last: int, *, wavefront: bool) -> _Order:
    even = layer % 2 == 0
    # What is wrong at the output has climbed to layer L - 1 - (L - 1) % 2 in the first half step, 2 layers a step.
    missing = max(0, last - (last - 1) % 2 - even - layer)
    return _Order(
        first=1 + -(-missing // 2) if wavefront else 1,
        above_moved=even and layer + 1 < last,
        own_settled=even,
        place=layer - 2 * last * even,
    )


ORDERS = {"gauss_seidel": _gauss_seidel, "red_black": _red_black}


def ordered_predictive_coding(
    form: Form,
    *,
    batch: int,
    steps: int,
    order: str,
    optimiser: str,
    wavefront: bool = True,
    hoist: bool = True,
    micro_batches: int = 1,
    control: Control | None = None,
    descent: str = "gd",
    nudged: bool = False,
    told: Told | None = None,
    at_once: bool = False,
    master: bool = False,
) -> Program:
    """Gauss-Seidel or red-black predictive coding from a feed-forward start, then one weight update.

    ``wavefront`` as in jacobi: layers that cannot have errors yet neither move nor learn. ``at_once``:
    each learns within the last step, while its weights are at hand.
    """
    program = ProgramBuilder(
        form.widths, batch, optimiser=optimiser, master=master, micro_batches=micro_batches
    )
    loop, last = Loop(steps, micro_batches), program.depth
    moves = {layer: ORDERS[order](layer, last, wavefront=wavefront) for layer in range(1, last)}

    def place_of(layer: int) -> Place:
        """When layer ``layer`` moves. Passes of Gauss-Seidel follow one another a layer behind, also where
        layers share a tile."""
        turn = IN_TURN
        if order == "gauss_seidel":
            behind = (last - layer) * micro_batches
            turn = Turn(window=micro_batches, shift=behind)
        return loop.place(moves[layer].first, turn=turn)

    loaded = start(
        program, form, shared=lambda layer: layer == last or not wavefront, nudged=nudged
    )
    for layer in sorted(moves, key=lambda layer: -moves[layer].place):
        place, move = place_of(layer), moves[layer]
        # The error above: moved in this step or the last; at the output, which never moves, settled.
        above = 0 if move.above_moved else loop.back
        feed_back(
            program,
            form,
            layer + 1,
            place,
            [
                *newest(program, Kind.EXCHANGE, MOVED, layer + 1, back=above),
                *wait_for(control, layer + 1, back=loop.back),
            ],
            skip_needs=newest(program, Kind.ELEMENTWISE, MOVED, layer + 1, back=above),
        )
        feedback = Need(Key(Kind.EXCHANGE, Role.FEEDBACK, layer + 1, Phase.STEP))
        own = (
            newest(program, Kind.ELEMENTWISE, MOVED, layer, back=loop.back)
            if layer == 1
            else _settled(program, layer, back=0 if move.own_settled else loop.back)
        )
        own += wait_for(control, layer, back=loop.back)
        moved = elementwise(
            program,
            Role.STATE,
            layer,
            place,
            state_update_kernel(form, layer, descent),
            [feedback, *own],
        )
        moved_kernel = error_kernel(form, layer, fresh=False)
        error = elementwise(program, MOVED, layer, place, moved_kernel, [moved])
        if layer > 1:
            _tell(program, told, layer, place, error)
        ready = compare(program, told, Role.STATE, layer, place, moved)
        upward = told.of(Role.STATE, layer, place) if told else None
        send_state(program, form, layer, place, [ready], told=upward)
        _settle(program, form, layer + 1, place, told)
    if not hoist and last > 1:
        product(program, Kind.PRODUCT_FORWARD, 1, loop.place(), [loaded.input])

    synchronise(
        program,
        control,
        loop,
        first=lambda layer: moves[min(layer, last - 1)].first if moves else 1,
        error=lambda layer: _error_key(layer, last),
        turn=lambda layer: place_of(max(1, layer - 1)).turn,
    )
    # A layer has an error once its state or its prediction has moved.
    moved_by = {layer for layer, move in moves.items() if move.first <= steps}
    credited = tuple(
        layer
        for layer in range(1, last + 1)
        if not wavefront or layer == last or moved_by & {layer, layer - 1}
    )
    if at_once:
        learn_at_once(
            program,
            form,
            loaded,
            credited,
            loop,
            lambda layer: place_of(max(1, layer - 1)).turn,
            error=lambda layer: _error_key(layer, last),
        )
        keep(program, form, descent=descent)
    else:
        errors = {layer: _final_error(program, layer, loop) for layer in credited}
        finish(program, form, loaded, errors, final=loop.final, descent=descent)
    return program.build("pc", steps=steps, credited=credited)


def _error_key(layer: int, last: int) -> Key:
    """After which the error of ``layer`` is that of the whole step."""
    role = SETTLED if 1 < layer < last else MOVED
    return Key(Kind.ELEMENTWISE, role, layer, Phase.STEP)


def _tell(program: ProgramBuilder, told: Told | None, layer: int, place: Place, error: Key) -> None:
    """A new error to the other tiles of its layer."""
    ready = compare(program, told, MOVED, layer, place, error)
    within = told.of(MOVED, layer, place) if told else None
    send(program, MOVED, layer, place, [ready], told=within)


def _settle(
    program: ProgramBuilder, form: Form, layer: int, place: Place, told: Told | None
) -> None:
    """The prediction of ``layer`` from the state that has just arrived, and its error by it."""
    arrived = Key(Kind.EXCHANGE, Role.STATE, layer - 1, Phase.STEP)
    operand = receive(program, form, layer, place, arrived)
    predicted = product(program, Kind.PRODUCT_FORWARD, layer, place, [operand])
    needs: list[Need | Key] = [predicted]
    if form.skip(layer):
        needs.append(Key(Kind.EXCHANGE, Role.SKIPPED_STATE, layer - 1, Phase.STEP))
    kernel = error_kernel(form, layer, fresh=True)
    if layer == program.depth:
        error = elementwise(program, MOVED, layer, place, kernel, needs)
        _tell(program, told, layer, place, error)
    else:
        # The prediction is kept: the layer's own move makes its next error of it.
        kernel = Kernel(kernel.primitives, kernel.reads, kernel.writes + Words(state=1))
        elementwise(program, SETTLED, layer, place, kernel, needs)


def _settled(program: ProgramBuilder, layer: int, *, back: int) -> list[Need]:
    """The newest error of a hidden layer by its newest prediction; at the start it is 0 as any other."""
    at_start = Need(Key(Kind.ELEMENTWISE, MOVED, layer, Phase.START))
    return [Need(Key(Kind.ELEMENTWISE, SETTLED, layer, Phase.STEP), back), at_start]


def _final_error(program: ProgramBuilder, layer: int, loop: Loop) -> list[Need]:
    """The last error of ``layer`` on all its tiles; of a hidden one it is sent there only now."""
    last = program.depth
    if last == 1:  # Nothing moves.
        return [Need(Key(Kind.ELEMENTWISE, MOVED, layer, Phase.START))]
    if layer == last:
        return newest(program, Kind.EXCHANGE, MOVED, layer, back=loop.final)
    if layer == 1:
        return newest(program, Kind.ELEMENTWISE, MOVED, layer, back=loop.final)
    needs = [
        *_settled(program, layer, back=loop.final),
        *newest(program, Kind.ELEMENTWISE, MOVED, layer, back=loop.final),
    ]
    place = program.once_each(Phase.FINISH, "update")
    return [Need(send(program, MOVED, layer, place, needs))]
