"""Backpropagation over micro-batches: every node is a stage, in the order of the graph.

The turns are those of `pcsim.program.pipeline_orders`: forward passes have later turns the later a node stands, and
backward passes the earlier it stands, so that turns never contradict needs whatever skips there are. Branches of one
node run beside one another. Where B and W leave a stage as one, what is pulled leaves a node when all its weight
gradients are formed.

A stash holds the operands and values of micro-batches between F and W. It is kept; or it is recomputed (the products
of a node are made once more before its B; only what arrived from other nodes is kept), or spilled to DRAM and brought
back before B (not by the zero-bubble schedules, which put off the W that reads it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pcsim.network import INPUT, Graph
from pcsim.program.backpropagation import form_error
from pcsim.program.cutting import cut
from pcsim.program.forward import forward_start
from pcsim.program.learning import Learning
from pcsim.program.loop import Loop
from pcsim.program.memory import StashDepth, keep
from pcsim.program.ops import Key, Kind, Need, Phase, Place, Program, Role, Turn
from pcsim.program.parts import Prediction
from pcsim.program.pipeline_orders import (
    ORDERS,
    PREFETCHED,
    PipelineOrder,
    PipelineStage,
    Stash,
)
from pcsim.program.script import Newest
from pcsim.program.writer import Writer


def pipelined_backpropagation(
    graph: Graph,
    loss: str,
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

    ``input_gradient``: what reads the input pulls its error back, too, as the stages of a larger network do.
    """
    parts = cut(graph)
    # Where something is made, or brought, once more, the order of writing says what is newest.
    sequence = None if stash == "kept" else Loop(1, micro_batches)
    writer = Writer(
        parts,
        batch=batch,
        optimiser=optimiser,
        master=master,
        micro_batches=micro_batches,
        sequence=sequence,
    )
    order, last = ORDERS[schedule], graph.output.number

    def place(turns: Callable[[PipelineStage], Turn], stage: str, node: int) -> Place:
        turn = turns(PipelineStage(node, last, micro_batches))
        return Place(Phase.STEP, stage, 1, micro_batches, turn)

    def forth(node: int) -> Place:
        return place(order.forward, "forward", node)

    words = keep(writer, learning=True, kept=_kept(order, last, micro_batches, stash))
    writer.load(with_target=True)
    for prediction in parts.predictions:
        forward_start(writer, prediction, forth(prediction.node.number))
    stashed = {
        prediction.node.number: _spill(
            writer, prediction, forth(prediction.node.number), words if stash == "spilled" else None
        )
        for prediction in parts.predictions
    }
    learning = Learning(writer)
    for prediction in reversed(parts.predictions):
        number = prediction.node.number
        back = place(order.backward, "backward", number)
        if stash == "recomputed":
            _make_again(writer, prediction, back)
        _bring_back(writer, prediction, back, stashed[number], left=forth(number))
        here = ("restored", prediction.home), ("again", number)
        after = [Newest(what, of) for what, of in here if writer.has(what, of)]
        form_error(writer, loss, prediction, back, after=after)
        writer.back_to_join(prediction, back, [Newest("error", number)])
        for line in prediction.lines:
            writer.back(line, back, [Newest("summed", number)])
        held = _gradients(writer, prediction) if order.joint else ()
        for line in prediction.lines:
            if line.source != INPUT:
                writer.feed_back(line, back, back=0, held=held)
            elif input_gradient:
                writer.pull(line.stages[0], back, [Newest("shared", line.stages[0].part)])
        learning.learn(number, place(order.weights, "update", number), back=0)
    learning.update_shared()
    credited = tuple(part for part, sizes in enumerate(parts.parts, start=1) if sizes.weighted)
    return writer.build("bp", steps=0, credited=credited)


def _kept(
    order: PipelineOrder, last: int, micro_batches: int, stash: Stash
) -> Callable[[int], StashDepth]:
    """Of how many micro-batches each of ``last`` nodes keeps what."""

    def kept(node: int) -> StashDepth:
        stage = PipelineStage(node, last, micro_batches)
        most, errors = order.stash(stage), min(micro_batches, 1 + order.put_off(stage))
        here = min(most, PREFETCHED) if stash == "spilled" else most
        states = 1 if stash == "recomputed" else here
        return StashDepth(states, errors, here, most - errors + 1 if stash != "recomputed" else 1)

    return kept


def _gradients(writer: Writer, prediction: Prediction) -> tuple[Need, ...]:
    """The weight gradients of a node."""
    return tuple(
        Need(Key(Kind.WEIGHT_GRADIENT, None, stage.part, Phase.STEP))
        for stage in writer.cut.stages_of(prediction.node.number)
        if stage.sizes.weighted
    )


def _make_again(writer: Writer, prediction: Prediction, place: Place) -> None:
    """The products of a node and what follows from them once more, on the spot: as with checkpoints when the backward
    pass comes by, not before."""
    number = prediction.node.number
    arrived = [Newest("arrived", line.at) for line in writer.cut.bringers(number)]
    writer.again = True
    for line in prediction.lines:
        writer.forward(line, place, alone=False, after=arrived)
    wanted, steps = writer.summed(prediction, place, fresh=True)
    writer.value(prediction, place, steps, wanted)
    writer.again = False
    writer.note("again", number, writer.now("state", number, Phase.STEP))


def _spill(
    writer: Writer, prediction: Prediction, place: Place, words: Mapping[int, int] | None
) -> Mapping[int, tuple[Key, int]]:
    """Send what the way back will read of a micro-batch to DRAM; by part after what, and the words of a sample."""
    if words is None:
        return {}
    number, home = prediction.node.number, prediction.home
    fed = {line.stages[0].part for line in prediction.lines if line.source == INPUT}
    found = {}
    stages = {stage.part: stage for stage in writer.cut.stages_of(number)}
    for part in sorted({*stages, prediction.join, home}):
        stage = stages.get(part)
        operand = stage.sizes.words_in if stage is not None and part not in fed else 0
        whole = operand + words.get(part, 0)
        if not whole:
            continue
        needs: list[Key | Newest] = []
        if stage is not None and stage.sizes.weighted:
            needs = [Key(Kind.PRODUCT_FORWARD, None, part, Phase.STEP)]
        elif stage is not None:
            needs = [Newest("operand", part)]
        if part == home and number != writer.cut.graph.output.number:
            needs.append(Newest("state", number))
        found[part] = writer.exchange(Role.STASH, part, place, whole, needs), whole
    return found


def _bring_back(
    writer: Writer,
    prediction: Prediction,
    place: Place,
    stashed: Mapping[int, tuple[Key, int]],
    *,
    left: Place,
) -> None:
    """What was spilled in ``left``, on the tiles again: one micro-batch ahead of its way back but behind the forward
    pass, when the one before the last has been used up."""
    ahead = max(place.turn.offset - place.turn.stride, left.turn.offset + 1)
    early = replace(place, turn=place.turn._replace(offset=ahead))
    stages = {stage.part: stage for stage in writer.cut.stages_of(prediction.node.number)}
    fed = {line.stages[0].part for line in prediction.lines if line.source == INPUT}
    for part, (key, words) in stashed.items():
        stage = stages.get(part)
        used: Need | Newest = Newest("error", prediction.node.number, PREFETCHED)
        if stage is not None and stage.sizes.weighted:
            used = Need(Key(Kind.WEIGHT_GRADIENT, None, part, Phase.STEP), PREFETCHED)
        restored = writer.exchange(Role.RESTORED, part, early, words, [key, used])
        writer.note("restored", part, [restored])
        if stage is not None and part not in fed:
            writer.note("operand", part, [restored])
