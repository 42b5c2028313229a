"""Predictive coding over errors (epc) as a program: each step goes down through all nodes and up again.

The errors of the hidden nodes are free, and z = p + e follows. A step brings the output's error down as
backpropagation does, moves every e by eta (what is brought - e), and predicts upwards anew, node after node.
Nothing runs beside anything else but branches, so that T steps of a chain of L layers take 2 T (L - 1) slots.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pcsim.network import INPUT, Graph, credited
from pcsim.program.kernels import ADD, MULTIPLY_ADD, SUBTRACT
from pcsim.program.operators.work import ERROR, Piece, Step
from pcsim.program.ops import Phase, Program, Role
from pcsim.program.options import Options
from pcsim.program.parts import Line, Prediction
from pcsim.program.relaxing import Relaxation
from pcsim.program.script import Newest, Wanted


def error_optimisation(graph: Graph, loss: str, options: Options) -> Program:
    """T steps over errors from e = 0, and one weight update from the last errors and states."""
    return _ErrorOptimisation(graph, loss, replace(options, wavefront=True, hoist=True)).write()


class _ErrorOptimisation(Relaxation):
    """Nothing runs beside anything else but branches."""

    sequence = True

    def moves_from(self, node: int) -> int | None:
        return self._within(None if node in (INPUT, self.output) else 1)

    def pulls_from(self, line: Line) -> int | None:
        return self._within(1)

    def credited(self) -> tuple[int, ...]:
        return credited(self.graph, "epc", "jacobi", self.steps)

    def is_told(self, node: int) -> bool:
        return node == self.output

    def kept_predictions(self) -> Iterable[int]:
        """Those that only read the input: they are needed again in every step."""
        return [node for node, parents in self.graph.parents.items() if parents == (INPUT,)]

    def write_steps(self) -> None:
        if not self.steps:
            return
        for prediction in self.cut.predictions:
            self.writer.note(
                "free", prediction.node.number, [Newest("error", prediction.node.number)]
            )
        for prediction in reversed(self.cut.predictions):
            if prediction.node.number != self.output:
                self._bring(prediction)
            for line in prediction.lines:
                if line.source != INPUT:
                    self.feed_back(line, self.loop.place())
        for prediction in self.cut.predictions:
            self._follow(prediction)

    def _bring(self, prediction: Prediction) -> None:
        """What readers bring to a node goes on down, and moves its error."""
        writer, number, every = self.writer, prediction.node.number, self.loop.place()
        readers = self.cut.bringers(number)
        wanted, steps = writer.collected(readers, [every] * len(readers))
        writer.error(prediction, every, steps, wanted, kept=True)
        self.spread(prediction, every)
        moved = Piece(prediction.size, (SUBTRACT, MULTIPLY_ADD), ERROR, ERROR, beside=ERROR)
        brought = writer.now("error", number, Phase.STEP)
        needs: Wanted = [*brought, Newest("free", number)]
        name = prediction.node.name
        done = writer.work((moved,), prediction.home, every, Role.ERROR, f"{name}.free", needs)
        writer.note("free", number, done)

    def _follow(self, prediction: Prediction) -> None:
        """The prediction anew, where it changes, and the value by it; at the output its error."""
        writer, number, every = self.writer, prediction.node.number, self.loop.place()
        begins = [self.runs_from(line) is not None for line in prediction.lines]
        wanted: Wanted = writer.now("state", number, Phase.START)
        steps: tuple[Step, ...] = ()
        if any(begins):
            for line, begin in zip(prediction.lines, begins, strict=True):
                if begin:
                    writer.forward(line, every, alone=self.kept_alone(prediction))
            own = prediction.own
            fresh = own is not None and self.runs_from(own) is not None
            wanted, steps = writer.summed(prediction, every, fresh=fresh)
        if number != self.output:
            added = Piece(prediction.size, (ADD,), beside=ERROR)
            needs = [*wanted, Newest("free", number)]
            writer.value(prediction, every, (*steps, added), needs)
        elif any(begins):
            self.err(prediction, every, steps, wanted)
            self.spread(prediction, every)

    def finish(self, credited: tuple[int, ...]) -> None:
        """The errors themselves, not what was brought, go to where gradients are formed."""
        place = self.writer.program.once_each(Phase.FINISH, "update")
        for number in credited:
            if number != self.output:
                needs = [Newest("free", number, self.loop.final)]
                self.writer.error(self.cut[number], place, (), needs)
        super().finish(credited)
