"""Predictive coding whose nodes move one group after another: Gauss-Seidel, or colours (red-black).

When a node moves it takes the newest errors of its readers and its own; then its error is formed anew, its readers
predict anew from it, and theirs are. So an error changes with every move of its node and of what that node reads. It
goes on to where pulls begin only if the next move to come will pull it, and in the end for the gradients: of two
changes without a pull in between only the second is told.

A prediction is kept from one change to the next, and so is the value of every branch of a sum, since others change
without it. Passes of Gauss-Seidel overlap: a node moves again as soon as those near it have moved, also where parts
share a tile (`slots`).
"""

from __future__ import annotations

from collections.abc import Iterable

from pcsim.network import INPUT, Graph
from pcsim.network.credit import groups
from pcsim.program.operators.work import NOTHING, STATE
from pcsim.program.ops import IN_TURN, Place, Program, Turn
from pcsim.program.options import Options
from pcsim.program.parts import Line, Prediction
from pcsim.program.relaxing import Relaxation
from pcsim.program.script import Newest
from pcsim.program.visits import slots


def ordered_predictive_coding(graph: Graph, loss: str, options: Options, *, order: str) -> Program:
    """T steps in each of which the groups of ``order`` move one after the other, and one weight update."""
    return _Ordered(graph, loss, options, order).write()


class _Ordered(Relaxation):
    """A step is a sequence of moves; each moves the nodes of a group, which do not know one another."""

    sequence = True

    def __init__(self, graph: Graph, loss: str, options: Options, order: str) -> None:
        super().__init__(graph, loss, options)
        self.groups = groups(graph, order)
        self.moves = {node: at for at, group in enumerate(self.groups) for node in group}
        self.slots = slots(graph, self.moves) if order == "gauss_seidel" else {}
        self.first_move: dict[int, int] = {}
        self.first_pull: dict[tuple[int, int], int] = {}
        self.wrong = {self.output}
        self._spread_out()

    def _spread_out(self) -> None:
        """Follow errors that can differ from zero through the steps, group after group."""
        for step in range(1, self.steps + 1):
            for group in self.groups:
                changed: set[int] = set()
                for node in group:
                    children = self.graph.children[node]
                    pulled = [c for c in children if c in self.wrong or not self.wavefront]
                    for child in pulled:
                        self.first_pull.setdefault((node, child), step)
                    if pulled or node in self.wrong:
                        self.first_move.setdefault(node, step)
                        changed |= {node, *children}
                self.wrong |= changed

    def moves_from(self, node: int) -> int | None:
        return self.first_move.get(node)

    def pulls_from(self, line: Line) -> int | None:
        return self.first_pull.get((line.source, line.node))

    def errs_from(self, node: int) -> int | None:
        return min((self.first_move[mover] for _, mover in self.changes(node)), default=None)

    def turn_of_error(self, node: int) -> Turn:
        changes = self.changes(node)
        return self.turn(changes[-1][1]) if changes else IN_TURN

    def credited(self) -> tuple[int, ...]:
        if self.wavefront:
            return tuple(sorted(self.wrong))
        return tuple(node.number for node in self.graph.nodes)

    def turn(self, node: int) -> Turn:
        if node not in self.slots:
            return IN_TURN
        window = self.options.micro_batches
        return Turn(window=window, shift=self.slots[node] * window)

    def changes(self, node: int) -> list[tuple[int, int]]:
        """By which moves the error of a node changes in a step: (group, whose move), in order."""
        movers = {node, *self.graph.parents[node]} & self.first_move.keys()
        return sorted((self.moves[mover], mover) for mover in movers)

    def is_pulled_after(self, node: int, mover: int) -> bool:
        """Whether the error of a node, as the move of ``mover`` leaves it, is pulled before it changes again."""
        movers = [each for _, each in self.changes(node)]
        return movers[(movers.index(mover) + 1) % len(movers)] != node

    def is_told(self, node: int) -> bool:
        changes = self.changes(node)
        return not changes or self.is_pulled_after(node, changes[-1][1])

    def kept_alone(self, prediction: Prediction) -> bool:
        """Other lines of the sum change without the one that ends at the join."""
        own = prediction.own
        return own is not None and any(
            line.source != own.source and line.source in self.first_move
            for line in prediction.lines
        )

    def kept_predictions(self) -> Iterable[int]:
        return [
            node for node in self.first_move if self.first_move.keys() & self.graph.parents[node]
        ]

    def write_steps(self) -> None:
        for group in self.groups:
            for number in reversed(group):
                if number in self.first_move:
                    self._moved(self.cut[number], self.first_move[number])
        if not self.graph.hidden:  # Nothing happens in a step.
            return
        for prediction in reversed(self.cut.predictions):
            for line in prediction.lines:
                if line.source == INPUT and self.runs_from(line) is not None:
                    # In vain: its value is what it was.
                    operand = [Newest("operand", line.stages[0].part)]
                    self.writer.through(line.stages, self.loop.place(), operand)

    def _moved(self, prediction: Prediction, first: int) -> None:
        """All that the move of a node brings with it."""
        number = prediction.node.number
        place = self.place(first, number)
        readers = self.cut.readers[number]
        for line in readers:
            begin = self.pulls_from(line)
            if begin is not None:
                self.feed_back(line, self.place(begin, number))
        self.move(prediction, first)
        self.err(prediction, place, (), [Newest("state", number)])
        if self.is_pulled_after(number, number):
            self.spread(prediction, place)
        for child in reversed(self.graph.children[number]):
            self._predict(self.cut[child], number, place)

    def _predict(self, prediction: Prediction, source: int, place: Place) -> None:
        """A prediction anew from what node ``source`` has become, and its error by it."""
        writer, number = self.writer, prediction.node.number
        alone = self.kept_alone(prediction)
        own = prediction.own
        for line in prediction.lines:
            if line.source == source:
                writer.forward(line, place, alone=alone)
        fresh = own is not None and own.source == source and not alone
        wanted, steps = writer.summed(prediction, place, fresh=fresh)
        # The node's own move makes its next error of the prediction.
        keeps = STATE if number in self.first_move else NOTHING
        needs = [*wanted, Newest("state", number)]
        self.err(prediction, place, steps, needs, keeps=keeps)
        if self.is_pulled_after(number, source):
            self.spread(prediction, place)
