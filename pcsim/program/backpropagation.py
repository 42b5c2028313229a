"""Backpropagation as a program: forward, backward, update, one node after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pcsim.network import INPUT, Graph
from pcsim.program.cutting import cut
from pcsim.program.forward import forward_start
from pcsim.program.kernels import OUTPUT_ERRORS
from pcsim.program.learning import Learning
from pcsim.program.memory import keep
from pcsim.program.operators.work import ERROR, STATE, Piece
from pcsim.program.ops import Phase, Place, Program
from pcsim.program.parts import Prediction
from pcsim.program.script import Newest
from pcsim.program.writer import Writer


def backpropagation(
    graph: Graph,
    loss: str,
    *,
    batch: int,
    optimiser: str,
    master: bool = False,
    at_once: bool = False,
) -> Program:
    """Sequential BP of one whole batch. A node's error is the sum of what those that read it pull back.

    ``at_once``: a node learns before the next one is reached, while its weights are at hand.
    """
    parts = cut(graph)
    writer = Writer(parts, batch=batch, optimiser=optimiser, master=master)
    writer.load(with_target=True)
    place = Place(Phase.START, "forward")
    for prediction in parts.predictions:
        forward_start(writer, prediction, place)
    back_through(writer, loss, Place(Phase.START, "backward"), at_once=at_once)
    keep(writer, learning=True)
    credited = tuple(part for part, sizes in enumerate(parts.parts, start=1) if sizes.weighted)
    return writer.build("bp", steps=0, credited=credited)


def back_through(
    writer: Writer,
    loss: str,
    place: Place,
    along: Callable[[Prediction], tuple[Piece, ...]] = lambda prediction: (),
    *,
    at_once: bool = False,
) -> None:
    """From the output's error down to all gradients, and the updates; ``along`` is done with what a hidden node is
    told."""
    parts = writer.cut
    learning, now = Learning(writer), Place(Phase.START, "update")
    for prediction in reversed(parts.predictions):
        number = prediction.node.number
        form_error(writer, loss, prediction, place, along(prediction))
        writer.back_to_join(prediction, place, [Newest("error", number)])
        for line in prediction.lines:
            writer.back(line, place, [Newest("summed", number)])
            if line.source != INPUT:
                writer.feed_back(line, place, back=0)
        if at_once:
            learning.learn(number, now, back=0, updating=now)
    if not at_once:
        finish = Place(Phase.FINISH, "update")
        for prediction in reversed(parts.predictions):
            learning.learn(prediction.node.number, finish, back=0)
    learning.update_shared()


def form_error(
    writer: Writer,
    loss: str,
    prediction: Prediction,
    place: Place,
    along: tuple[Piece, ...] = (),
    *,
    after: Sequence[Newest] = (),
) -> None:
    """What all readers of a node pull back to it, and what is done ``along`` with that; at the output that of the
    loss. ``after``: what else must have happened."""
    number = prediction.node.number
    readers = writer.cut.bringers(number)
    if readers:
        wanted, steps = writer.collected(readers, [place] * len(readers))
        writer.error(prediction, place, (*steps, *along), [*wanted, *after])
        return
    tail = Piece(prediction.size, OUTPUT_ERRORS[loss], gives=ERROR, beside=STATE)
    needs = [Newest("state", number), *writer.loaded("target", prediction.home), *after]
    writer.error(prediction, place, (tail,), needs)
