"""Predictive coding with the predictions of the feed-forward pass (fpa, z_il) as programs.

fpa: slopes and predictions stay what the feed-forward pass made them, so that a step is pulls and moves only, and an
error changes with its own node alone. z_il: each node moves once, when all that it is told is final, so that it is
backpropagation in which every value moves and has its error formed. Ungated, all nodes work in all steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pcsim.network import INPUT, Graph
from pcsim.program.backpropagation import back_through
from pcsim.program.cutting import cut
from pcsim.program.forward import forward_start
from pcsim.program.kernels import ADD, SUBTRACT
from pcsim.program.memory import keep
from pcsim.program.operators.work import ERROR, STATE, Piece
from pcsim.program.ops import Phase, Place, Program
from pcsim.program.options import Options
from pcsim.program.parts import Line, Prediction
from pcsim.program.predictive_coding import predictive_coding
from pcsim.program.relaxing import Relaxation
from pcsim.program.writer import Writer


def fixed_prediction(graph: Graph, loss: str, options: Options) -> Program:
    """fpa: T steps of pulls and moves, and one weight update."""
    return _FixedPrediction(graph, loss, options).write()


class _FixedPrediction(Relaxation):
    """All nodes move at once; nothing is predicted anew."""

    def __init__(self, graph: Graph, loss: str, options: Options) -> None:
        super().__init__(graph, loss, options)
        self.distance = {self.output: 0}
        """Of each node to the output, by the shortest way."""
        for node in reversed(graph.hidden):
            children = graph.children[node.number]
            self.distance[node.number] = 1 + min(self.distance[child] for child in children)

    def moves_from(self, node: int) -> int | None:
        if node in (INPUT, self.output):
            return None
        return self._within(self.distance[node] if self.wavefront else 1)

    def pulls_from(self, line: Line) -> int | None:
        return self._within(self.distance[line.node] + 1 if self.wavefront else 1)

    def credited(self) -> tuple[int, ...]:
        everyone = sorted(self.distance)
        if not self.wavefront:
            return tuple(everyone)
        return tuple(node for node in everyone if self.distance[node] <= self.steps)

    def runs_from(self, line: Line) -> int | None:
        return None

    def kept_predictions(self) -> Iterable[int]:
        return [node for node in self.distance if self.moves_from(node) is not None]

    def write_steps(self) -> None:
        for prediction in reversed(self.cut.predictions):
            for line in prediction.lines:
                first = self.pulls_from(line)
                if line.source != INPUT and first is not None:
                    self.feed_back(line, self.loop.place(first))
        for prediction in reversed(self.cut.predictions):
            first = self.moves_from(prediction.node.number)
            if first is not None:
                self._moved(prediction, first)

    def _moved(self, prediction: Prediction, first: int) -> None:
        """The state moves, and its error is formed by the old prediction, in one kernel."""
        needs, steps = self.pull(prediction)
        *others, follow = steps
        assert isinstance(follow, Piece), "a move is one piece"
        follow = replace(follow, keeps=follow.keeps + STATE)
        place = self.loop.place(first)
        self.err(prediction, place, (*others, follow), needs)
        self.spread(prediction, place)


def zero_divergence(graph: Graph, loss: str, options: Options, *, gated: bool = True) -> Program:
    """z_il: backpropagation's gradients by predictive coding's moves."""
    if not gated:
        return predictive_coding(graph, loss, replace(options, wavefront=False))
    parts = cut(graph)
    writer = Writer(
        parts,
        batch=options.batch,
        optimiser=options.optimiser,
        master=options.master,
        relaxed=True,
    )
    writer.load(with_target=True)
    for prediction in parts.predictions:
        forward_start(writer, prediction, Place(Phase.START, "forward"))
    back_through(writer, loss, Place(Phase.START, "inference"), only_move)
    hidden = [node.number for node in graph.hidden]
    keep(writer, learning=True, relaxed=True, kept_predictions=hidden)
    credited = tuple(part for part, sizes in enumerate(parts.parts, start=1) if sizes.weighted)
    return writer.build("pc", steps=options.steps, credited=credited)


def only_move(prediction: Prediction) -> tuple[Piece, ...]:
    """The one move of a state whose error was 0, z = p + what is pulled, and its error."""
    moved = Piece(prediction.size, (ADD, SUBTRACT), ERROR, ERROR, beside=STATE, keeps=STATE)
    return (moved,)
