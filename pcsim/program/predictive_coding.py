"""Predictive coding as a program: simultaneous (Jacobi) steps from a feed-forward start.

In a step every node moves by what its own error and those of its readers pull, its readers predict anew, and errors
are formed; an error then goes on to the first part of its prediction, where the next step's pull begins and where at
the end weight gradients are formed. What the wavefront has not reached does not run (`pcsim.network.fronts`).
"""

from __future__ import annotations

from pcsim.network import INPUT, Graph, fronts
from pcsim.program.ops import IN_TURN, Program, Turn
from pcsim.program.options import Options
from pcsim.program.parts import Line, Prediction
from pcsim.program.relaxing import Relaxation
from pcsim.program.script import Newest
from pcsim.program.visits import Tour


def predictive_coding(graph: Graph, loss: str, options: Options) -> Program:
    """T synchronous steps and one weight update."""
    return _Jacobi(graph, loss, options).write()


class _Jacobi(Relaxation):
    """All nodes move at once."""

    def __init__(self, graph: Graph, loss: str, options: Options) -> None:
        super().__init__(graph, loss, options)
        self.fronts = fronts(graph)
        self.tour = Tour(graph, options.visits) if options.visits else None

    def turn(self, node: int) -> Turn:
        return self.tour.turn(node) if self.tour else IN_TURN

    def turn_of_error(self, node: int) -> Turn:
        return self.tour.turn_of_error(node) if self.tour else IN_TURN

    def moves_from(self, node: int) -> int | None:
        """The first step in which a node moves; None if it never does."""
        if node in (INPUT, self.output):
            return None
        return self._within(self.fronts.first_move[node] if self.wavefront else 1)

    def errs_from(self, node: int) -> int | None:
        first = self.fronts.first_error[node] if self.wavefront else 1
        return self._within(None if first is None else max(1, first))

    def pulls_from(self, line: Line) -> int | None:
        """The first step in which an error is pulled back along a line."""
        first = self.fronts.first_error[line.node] if self.wavefront else 0
        return self._within(None if first is None else first + 1)

    def credited(self) -> tuple[int, ...]:
        if self.wavefront:
            return self.fronts.credited(self.steps)
        return tuple(node.number for node in self.graph.nodes)

    def write_steps(self) -> None:
        writer = self.writer
        for prediction in reversed(self.cut.predictions):
            for line in prediction.lines:
                first = self.pulls_from(line)
                if line.source != INPUT and first is not None:
                    self.feed_back(line, self.place(first, line.source))
        for prediction in reversed(self.cut.predictions):
            first = self.moves_from(prediction.node.number)
            if first is not None:
                self.move(prediction, first)
        for prediction in reversed(self.cut.predictions):
            for line in prediction.lines:
                first = self.runs_from(line)
                if first is not None:
                    writer.forward(line, self.place(first, line.source), alone=False)
        for prediction in reversed(self.cut.predictions):
            first = self.errs_from(prediction.node.number)
            if first is not None:
                self._err(prediction, first)

    def _err(self, prediction: Prediction, first: int) -> None:
        writer, number = self.writer, prediction.node.number
        turn = self.turn_of_error(number)
        place = self.loop.place(first, turn=turn)
        needs = [Newest("state", number)]
        begins = [begin for line in prediction.lines if (begin := self.runs_from(line)) is not None]
        if begins:
            own = prediction.own
            fresh = own is not None and self.runs_from(own) is not None
            anew = self.loop.place(min(begins), turn=turn)
            wanted, steps = writer.summed(prediction, anew, fresh=fresh)
            self.err(prediction, place, steps, [*wanted, *needs])
        else:
            self.err(prediction, place, (), needs)
        self.spread(prediction, place)
