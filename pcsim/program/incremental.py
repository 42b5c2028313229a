"""Incremental predictive coding (ipc) as a program: every inference step also updates the weights.

Step t moves all states by the errors of step t - 1, updates everything that learns by the same errors and states, and
predicts anew with what is new, from the input, too. The predictions after the last step serve nobody and are left out.
"""

from __future__ import annotations

from dataclasses import replace

from pcsim.network import INPUT, Graph, credited
from pcsim.program.learning import Learning
from pcsim.program.ops import Program, Role
from pcsim.program.options import Options
from pcsim.program.parts import Line, Prediction
from pcsim.program.relaxing import Relaxation
from pcsim.program.script import Newest


def incremental_predictive_coding(graph: Graph, loss: str, options: Options) -> Program:
    """T steps of states and weights together; everything learns in each."""
    return _Incremental(graph, loss, replace(options, wavefront=False, hoist=False)).write()


class _Incremental(Relaxation):
    """All nodes move at once, and all that learns steps at once."""

    sequence = True
    learns_in_steps = True

    def moves_from(self, node: int) -> int | None:
        return self._within(None if node in (INPUT, self.output) else 1)

    def pulls_from(self, line: Line) -> int | None:
        return self._within(1)

    def credited(self) -> tuple[int, ...]:
        return credited(self.graph, "ipc", "jacobi", self.steps)

    def write_steps(self) -> None:
        if not self.steps:
            return
        writer, every = self.writer, self.loop.place()
        but_last = self.loop.place(last=self.steps - 1)
        downwards = tuple(reversed(self.cut.predictions))
        for prediction in downwards:
            for line in prediction.lines:
                if line.source != INPUT:
                    self.feed_back(line, every)
        each_step = self.loop.place(stage="update")
        learning = Learning(writer, updating=each_step)
        for prediction in downwards:
            learning.learn(prediction.node.number, each_step, back=self.loop.back)
        learning.update_shared()
        for prediction in downwards:
            if prediction.node.number != self.output:
                needs, steps = self.pull(prediction)
                writer.value(prediction, but_last, steps, needs)
                name = prediction.node.name
                last = self.loop.place(self.steps)
                writer.work(steps, prediction.home, last, Role.LAST_STATE, name, needs)
        for prediction in downwards:
            for line in prediction.lines:
                writer.forward(line, but_last, alone=False)
        for prediction in downwards:
            self._err(prediction)

    def _err(self, prediction: Prediction) -> None:
        but_last = self.loop.place(last=self.steps - 1)
        fresh = prediction.own is not None
        wanted, steps = self.writer.summed(prediction, but_last, fresh=fresh)
        needs = [*wanted, Newest("state", prediction.node.number)]
        self.err(prediction, but_last, steps, needs)
        self.spread(prediction, but_last, everywhere=True)

    def finish(self, credited: tuple[int, ...]) -> None:
        """Everything has learnt already."""
