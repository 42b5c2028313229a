"""Backpropagation of graphs over micro-batches: every node is a stage, in the order of the graph.

The turns are those of chains (`pcsim.program.pipelines`): forward passes have later turns the later a node stands, and
backward passes the earlier it stands, so that turns never contradict needs whatever skips there are. Branches of one
node run beside one another. Where B and W leave a stage as one, what is pulled leaves a node when all its weight
gradients are formed. Left out: recomputing and spilling.
"""

from __future__ import annotations

from collections.abc import Callable

from pcsim.network import INPUT, Graph
from pcsim.program.graphs.backpropagation import form_error
from pcsim.program.graphs.learning import Learning
from pcsim.program.graphs.memory import StashDepth, keep
from pcsim.program.graphs.parts import Prediction, cut
from pcsim.program.graphs.relaxing import forward_start
from pcsim.program.graphs.writer import Newest, Writer
from pcsim.program.ops import Key, Kind, Need, Phase, Place, Program, Turn
from pcsim.program.pipelines import ORDERS, Stage


def graph_pipelined_backpropagation(
    graph: Graph,
    loss: str,
    *,
    batch: int,
    micro_batches: int,
    optimiser: str,
    schedule: str,
    master: bool = False,
) -> Program:
    """One update of one batch in ``micro_batches`` parts, in the order ``schedule`` of `ORDERS`."""
    parts = cut(graph)
    writer = Writer(
        parts, batch=batch, optimiser=optimiser, master=master, micro_batches=micro_batches
    )
    order, last = ORDERS[schedule], graph.output.number

    def place(turns: Callable[[Stage], Turn], stage: str, node: int) -> Place:
        turn = turns(Stage(node, last, micro_batches))
        return Place(Phase.STEP, stage, 1, micro_batches, turn)

    writer.load(with_target=True)
    for prediction in parts.predictions:
        number = prediction.node.number
        forward_start(writer, prediction, place(order.forward, "forward", number))
    learning = Learning(writer)
    for prediction in reversed(parts.predictions):
        number = prediction.node.number
        back = place(order.backward, "backward", number)
        form_error(writer, loss, prediction, back)
        writer.back_to_join(prediction, back, [Newest("error", number)])
        for line in prediction.lines:
            writer.back(line, back, [Newest("summed", number)])
        held = _gradients(writer, prediction) if order.joint else ()
        for line in prediction.lines:
            if line.source != INPUT:
                writer.feed_back(line, back, back=0, held=held)
        learning.learn(number, place(order.weights, "update", number), back=0)
    learning.update_shared()

    def kept(node: int) -> StashDepth:
        stage = Stage(node, last, micro_batches)
        return StashDepth(order.stash(stage), min(micro_batches, 1 + order.put_off(stage)))

    keep(writer, learning=True, kept=kept)
    credited = tuple(part for part, sizes in enumerate(parts.parts, start=1) if sizes.weighted)
    return writer.build("bp", steps=0, credited=credited)


def _gradients(writer: Writer, prediction: Prediction) -> tuple[Need, ...]:
    """The weight gradients of a node."""
    return tuple(
        Need(Key(Kind.WEIGHT_GRADIENT, None, stage.part, Phase.STEP))
        for stage in writer.cut.stages_of(prediction.node.number)
        if stage.sizes.weighted
    )
