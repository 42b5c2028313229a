"""Backpropagation over micro-batches: every layer is a stage, and the stages work on different micro-batches.

The orders in which stage s of S takes forward F(m), backward B(m) and weight gradient W(m) of
micro-batch m of M:

    gpipe   all F, then all B with their W                (Huang et al. 2019, arXiv 1811.06965)
    1f1b    S - s + 1 times F, then B W F in turn         (Narayanan et al. 2019, PipeDream-Flush)
    zb_h1   as 1f1b, W(m) behind B(m + s - 1)             (Qi et al. 2023, arXiv 2401.10241)
    zb_h2   2 (S - s) + 1 times F first, W(m) behind B(m + 2 (s - 1))

In the first two a stage sends its feedback when B and W are done, as autograd does; the zero-bubble
schedules send it after B. Updates wait for all micro-batches: no weight is stale. Where the turns of
stages come from: F(m) of stage s before B(n) exactly if m < n + the F that come first, so that each
kind of work has a turn linear in m, and turns never contradict needs, also where stages share a tile.

A stash holds the operands and activities of micro-batches between F and W. It is kept; or it is
recomputed (the prediction of a layer is made once more before its B; only its operand is
kept), or spilled to DRAM and brought back before B (not by the
zero-bubble schedules, which put off the W that reads it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from pcsim.program.backpropagation import delta_kernel, output_delta
from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.learning import gradient, update_all
from pcsim.program.memory import keep_forward_memory, keep_learning_memory
from pcsim.program.ops import Key, Kind, Need, Phase, Place, Program, Role, Turn
from pcsim.program.parts import (
    Loaded,
    elementwise,
    feed_back,
    forward_pass,
    load,
    operand_of,
    recompute,
    send,
)

Stash = Literal["kept", "recomputed", "spilled"]

PREFETCHED = 2
"""Micro-batches of a spilled stash that are on the chip: one in use, one arriving."""


@dataclass(frozen=True)
class Stage:
    """Stage s of S stages with M micro-batches."""

    s: int
    S: int
    M: int


@dataclass(frozen=True)
class Order:
    """The order of a stage's work: the turns of F, B and W, and what that makes it stash.

    ``joint``: feedback leaves a stage only when W is done, too. ``stash``: micro-batches between the
    beginning of F and the end of W, at most.
    """

    joint: bool
    forward: Callable[[Stage], Turn]
    backward: Callable[[Stage], Turn]
    weights: Callable[[Stage], Turn]
    stash: Callable[[Stage], int]
    put_off: Callable[[Stage], int] = lambda at: 0
    """Of how many micro-batches B comes before W of an earlier one."""


ORDERS = {
    "gpipe": Order(
        joint=True,
        forward=lambda at: Turn(2, 0),
        backward=lambda at: Turn(2, 2 * at.M + 1),
        weights=lambda at: Turn(2, 2 * at.M + 1),
        stash=lambda at: at.M,
    ),
    "1f1b": Order(
        joint=True,
        forward=lambda at: Turn(6, 3 * at.s),
        backward=lambda at: Turn(6, 6 * at.S - 3 * at.s + 1),
        weights=lambda at: Turn(6, 6 * at.S - 3 * at.s + 2),
        stash=lambda at: min(at.M, at.S - at.s + 1),
    ),
    "zb_h1": Order(
        joint=False,
        forward=lambda at: Turn(6, 3 * at.s),
        backward=lambda at: Turn(6, 6 * at.S - 3 * at.s + 1),
        weights=lambda at: Turn(6, 6 * at.S - 3 * at.s + 2 + 6 * (at.s - 1)),
        stash=lambda at: min(at.M, at.S),
        put_off=lambda at: at.s - 1,
    ),
    "zb_h2": Order(
        joint=False,
        forward=lambda at: Turn(6, 6 * at.s),
        backward=lambda at: Turn(6, 6 * (2 * at.S - at.s + 1) - 2),
        weights=lambda at: Turn(6, 6 * (2 * at.S - at.s + 1) - 1 + 12 * (at.s - 1)),
        stash=lambda at: min(at.M, 2 * at.S - 1),
        put_off=lambda at: 2 * (at.s - 1),
    ),
}
"""Each linear in m, none of F, B and W of one stage ever in the same turn (but B and W of gpipe, which
keep their place in the program)."""


def pipelined_backpropagation(
    form: Form,
    *,
    batch: int,
    micro_batches: int,
    optimiser: str,
    schedule: str,
    stash: Stash = "kept",
    input_gradient: bool = False,
    master: bool = False,
) -> Program:
    """One update of one batch in ``micro_batches`` parts, in the order ``schedule`` of `ORDERS`.

    ``input_gradient``: layer 1, too, computes its feedback, as the stages of a larger network do.
    """
    program = ProgramBuilder(
        form.widths, batch, optimiser=optimiser, master=master, micro_batches=micro_batches
    )
    order, last = ORDERS[schedule], program.depth

    def place(turns: Callable[[Stage], Turn], stage: str, layer: int) -> Place:
        turn = turns(Stage(layer, last, micro_batches))
        return Place(Phase.STEP, stage, 1, micro_batches, turn)

    def back(layer: int) -> Place:
        return place(order.backward, "backward", layer)

    loaded = load(program, with_target=True)
    forward_pass(
        program, form, loaded, place_of=lambda layer: place(order.forward, "forward", layer)
    )
    if stash == "spilled":
        for layer in range(1, last + 1):
            _spill(program, form, layer, place(order.forward, "forward", layer))

    gradients: dict[int, list[Key]] = {}
    delta, arrived = None, None
    for layer in range(last, 0, -1):
        again = _bring_back(
            program,
            form,
            loaded,
            layer,
            back(layer),
            stash,
            arrived,
            left=place(order.forward, "forward", layer),
        )
        if delta is None:
            delta = output_delta(program, form, loaded, back(layer), Phase.STEP, also=again)
        else:
            assert arrived is not None
            delta = elementwise(
                program,
                Role.ERROR,
                layer,
                back(layer),
                delta_kernel(form, layer),
                [arrived, *again],
            )
        shared = send(program, Role.ERROR, layer, back(layer), [delta])
        wanted = [shared, operand_of(form, layer, loaded, Phase.STEP), *again]
        down = Key(Kind.WEIGHT_GRADIENT, None, layer, Phase.STEP)
        if layer > 1 or input_gradient:
            arrived = feed_back(
                program,
                form,
                layer,
                back(layer),
                [shared],
                skip_needs=[delta],
                held_by=[down] if order.joint else [],
                leaves=layer > 1,
            )
        at = place(order.weights, "update", layer)
        gradients[layer] = gradient(program, form, layer, at, wanted)
    update_all(program, form, gradients)

    for layer in range(1, last + 1):
        stage = Stage(layer, last, micro_batches)
        errors = min(micro_batches, 1 + order.put_off(stage))
        _keep(program, form, layer, order.stash(stage), errors, stash)
    credited = tuple(range(1, last + 1))
    return program.build("bp", steps=0, credited=credited)


def _keep(
    program: ProgramBuilder, form: Form, layer: int, most: int, errors: int, stash: Stash
) -> None:
    """Memory of one layer, ``most`` micro-batches of which are between F and W, ``errors`` between B and W."""
    here = min(most, PREFETCHED) if stash == "spilled" else most
    keep_forward_memory(
        program, form, layer, operands=here, activities=1 if stash == "recomputed" else here
    )
    keep_learning_memory(program, form, layer, errors=errors)


def _spill(program: ProgramBuilder, form: Form, layer: int, place: Place) -> None:
    """Send what B and W will read of a micro-batch to DRAM."""
    needs: list[Need | Key] = [Key(Kind.PRODUCT_FORWARD, None, layer, Phase.STEP)]
    if layer < program.depth:
        needs.append(Key(Kind.ELEMENTWISE, Role.STATE, layer, Phase.STEP))
    elements = program.batch * _stashed(program, layer)
    program.add(Kind.EXCHANGE, layer, place, role=Role.STASH, elements=elements, needs=needs)


def _stashed(program: ProgramBuilder, layer: int) -> int:
    """Words a sample: the operand, but of the batch itself, and the activity, but of the output."""
    operand = program.widths[layer - 1] if layer > 1 else 0
    return operand + (program.widths[layer] if layer < program.depth else 0)


def _bring_back(
    program: ProgramBuilder,
    form: Form,
    loaded: Loaded,
    layer: int,
    place: Place,
    stash: Stash,
    arrived: Key | None,
    *,
    left: Place,
) -> list[Key]:
    """After which the stash of a micro-batch is on the tiles of ``layer`` again; it left in ``left``."""
    if stash == "spilled":
        # One micro-batch ahead of B but behind F, when the one before the last has been used up.
        ahead = max(place.turn.offset - place.turn.stride, left.turn.offset + 1)
        turn = place.turn._replace(offset=ahead)
        needs = [
            Need(Key(Kind.EXCHANGE, Role.STASH, layer, Phase.STEP)),
            Need(Key(Kind.WEIGHT_GRADIENT, None, layer, Phase.STEP), PREFETCHED),
        ]
        at, elements = replace(place, turn=turn), program.batch * _stashed(program, layer)
        key = program.add(
            Kind.EXCHANGE, layer, at, role=Role.RESTORED, elements=elements, needs=needs
        )
        return [key]
    if stash == "recomputed":
        wanted = [operand_of(form, layer, loaded, Phase.STEP)]
        if arrived is not None:  # As with checkpoints: when the backward pass comes by, not before.
            wanted.append(arrived)
        return [recompute(program, form, layer, place, wanted)]
    return []
