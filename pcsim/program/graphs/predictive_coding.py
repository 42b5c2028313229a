"""Predictive coding of any graph as a program: simultaneous (Jacobi) steps from a feed-forward start.

In a step every node moves by what its own error and those of its readers pull, its readers predict anew, and errors
are formed; an error then goes on to the first part of its prediction, where the next step's pull begins and where at
the end weight gradients are formed. What the wavefront has not reached does not run (`pcsim.network.fronts`).
"""

from __future__ import annotations

from pcsim.network import INPUT, Graph, fronts
from pcsim.program.graphs.memory import keep
from pcsim.program.graphs.parts import Line, Prediction, cut
from pcsim.program.graphs.writer import Newest, Writer
from pcsim.program.kernels import DESCENT_WORDS, DESCENTS, MULTIPLY_ADD, SUBTRACT
from pcsim.program.loop import Loop
from pcsim.program.operators.work import ERROR, STATE, Piece
from pcsim.program.ops import Key, Phase, Place, Program, Role
from pcsim.program.parts import OUTPUT_KERNELS
from pcsim.program.words import Words


def graph_predictive_coding(
    graph: Graph,
    loss: str,
    *,
    batch: int,
    steps: int,
    optimiser: str,
    wavefront: bool = True,
    hoist: bool = True,
    descent: str = "gd",
    nudged: bool = False,
    master: bool = False,
    line_buffer: bool = False,
    micro_batches: int = 1,
) -> Program:
    """T synchronous steps and one weight update.

    ``hoist``: what only reads the input is predicted once. ``wavefront``: only what can differ from the feed-forward
    start runs, and only nodes whose error can differ from zero learn. ``line_buffer``: overlapping windows of
    convolutions are read from SRAM once. ``micro_batches`` take turns within a step.
    """
    rule = _Rule(
        graph,
        loss,
        batch,
        steps,
        optimiser,
        wavefront,
        hoist,
        descent,
        master,
        line_buffer,
        micro_batches,
    )
    return rule.write(nudged=nudged)


class _Rule:
    """Its life: built, then ``write`` once."""

    def __init__(
        self,
        graph: Graph,
        loss: str,
        batch: int,
        steps: int,
        optimiser: str,
        wavefront: bool,
        hoist: bool,
        descent: str,
        master: bool,
        line_buffer: bool,
        micro_batches: int,
    ) -> None:
        self.graph, self.loss, self.steps = graph, loss, steps
        self.wavefront, self.hoist, self.descent = wavefront, hoist, descent
        self.cut = cut(graph, line_buffer=line_buffer)
        self.writer = Writer(
            self.cut,
            batch=batch,
            optimiser=optimiser,
            master=master,
            micro_batches=micro_batches,
            relaxed=True,
        )
        self.loop, self.fronts = Loop(steps, micro_batches), fronts(graph)
        self.output = graph.output.number

    def moves_from(self, node: int) -> int | None:
        """The first step in which a node moves; None if it never does."""
        if node in (INPUT, self.output):
            return None
        return self._within(self.fronts.first_move[node] if self.wavefront else 1)

    def errs_from(self, node: int) -> int | None:
        """The first step after which its error is another than before."""
        first = self.fronts.first_error[node] if self.wavefront else 1
        return self._within(None if first is None else max(1, first))

    def pulls_from(self, line: Line) -> int | None:
        """The first step in which an error is pulled back along a line."""
        first = self.fronts.first_error[line.node] if self.wavefront else 0
        return self._within(None if first is None else first + 1)

    def runs_from(self, line: Line) -> int | None:
        """The first step in which a line is predicted anew."""
        if line.source == INPUT:
            return None if self.hoist else self._within(1)
        return self.moves_from(line.source)

    def _within(self, first: int | None) -> int | None:
        return first if first is not None and first <= self.steps else None

    def write(self, *, nudged: bool) -> Program:
        self._start(nudged=nudged)
        self._step()
        credited = (
            self.fronts.credited(self.steps)
            if self.wavefront
            else tuple(node.number for node in self.graph.nodes)
        )
        self._finish(credited)
        keep(self.writer, learning=True, relaxed=True, descent=self.descent)
        parts = tuple(
            stage.part
            for node in credited
            for stage in self.cut.stages_of(node)
            if stage.sizes.weighted
        )
        return self.writer.build("pc", steps=self.steps, credited=tuple(sorted(parts)))

    def _start(self, *, nudged: bool) -> None:
        """Feed-forward: every state is its prediction, so that only the output's error is not zero."""
        writer = self.writer
        place = writer.program.once_each(Phase.START, "forward")
        writer.load(with_target=True)
        for prediction in self.cut.predictions:
            forward_start(writer, prediction, place, alone=self._kept_alone)
        for prediction in self.cut.predictions:
            number = prediction.node.number
            needs = [Newest("state", number)]
            wanted = [*needs, *writer.loaded("target", prediction.home)]
            if nudged and number == self.output:
                moved = Piece(prediction.size, (SUBTRACT, MULTIPLY_ADD), beside=STATE)
                name = prediction.node.name
                wanted = [*writer.work((moved,), prediction.home, place, Role.NUDGED, name, wanted)]
            difference = self._difference(prediction)
            is_zero = number != self.output
            writer.error(
                prediction, place, (difference,), wanted, is_zero=is_zero, kept=not is_zero
            )
            if number == self.output or not self.wavefront:
                self._spread(prediction, place)

    def _kept_alone(self, prediction: Prediction) -> bool:
        """Whether the line that ends at the join keeps a value of its own, as it stays and others change."""
        own = prediction.own
        if own is None or self.runs_from(own) is not None:
            return False
        return any(self.runs_from(line) is not None for line in prediction.lines)

    def _difference(self, prediction: Prediction) -> Piece:
        """z less its prediction, or the error of the loss."""
        if prediction.node.number == self.output:
            kernel = OUTPUT_KERNELS[self.loss]
            return Piece(prediction.size, kernel.primitives, gives=ERROR, beside=STATE)
        return Piece(prediction.size, (SUBTRACT,), gives=ERROR, beside=STATE)

    def _spread(self, prediction: Prediction, place: Place) -> None:
        """The error on its way to where pulls begin: the first parts of lines from other nodes."""
        lines = [line for line in prediction.lines if line.source != INPUT]
        if not lines:
            return
        number = prediction.node.number
        error = Newest("error", number)
        self.writer.back_to_join(prediction, place, self._now(error, place))
        for line in lines:
            self.writer.back(line, place, self._now(Newest("summed", number), place))

    def _now(self, wanted: Newest, place: Place) -> list[Key]:
        """What is noted in this very phase."""
        return self.writer.noted[wanted.what, wanted.of][place.phase]

    def _step(self) -> None:
        writer, loop = self.writer, self.loop
        for prediction in reversed(self.cut.predictions):
            for line in prediction.lines:
                first = self.pulls_from(line)
                if line.source != INPUT and first is not None:
                    writer.feed_back(line, loop.place(first), back=loop.back)
        for prediction in reversed(self.cut.predictions):
            first = self.moves_from(prediction.node.number)
            if first is not None:
                self._move(prediction, first)
        for prediction in reversed(self.cut.predictions):
            for line in prediction.lines:
                first = self.runs_from(line)
                if first is not None:
                    writer.forward(line, loop.place(first), alone=False)
        for prediction in reversed(self.cut.predictions):
            first = self.errs_from(prediction.node.number)
            if first is not None:
                self._err(prediction, first)

    def _move(self, prediction: Prediction, first: int) -> None:
        writer, number = self.writer, prediction.node.number
        begins = {
            line: begin
            for line in self.cut.readers[number]
            if (begin := self.pulls_from(line)) is not None
        }
        lines = sorted(begins, key=lambda line: begins[line])
        places = [self.loop.place(begins[line]) for line in lines]
        moments = DESCENT_WORDS[self.descent]
        follow = Piece(
            prediction.size,
            (SUBTRACT, DESCENTS[self.descent]),
            takes=ERROR,
            beside=Words(state=1 + moments, error=1),
            keeps=Words(state=moments),
        )
        needs = [Newest("error", number, self.loop.back), Newest("state", number, self.loop.back)]
        if lines:
            arrived, steps = writer.collected(lines, places)
            writer.value(prediction, self.loop.place(first), (*steps, follow), [*arrived, *needs])
            return
        # Its own error alone moves it.
        alone = Piece(
            prediction.size,
            (DESCENTS[self.descent],),
            takes=ERROR,
            beside=Words(state=1 + moments),
            keeps=Words(state=moments),
        )
        writer.value(prediction, self.loop.place(first), (alone,), needs)

    def _err(self, prediction: Prediction, first: int) -> None:
        writer, place, number = self.writer, self.loop.place(first), prediction.node.number
        tail = self._difference(prediction)
        needs = [Newest("state", number)]
        begins = [begin for line in prediction.lines if (begin := self.runs_from(line)) is not None]
        if begins:
            own = prediction.own
            fresh = own is not None and self.runs_from(own) is not None
            anew = self.loop.place(min(begins))
            wanted, steps = writer.summed(prediction, anew, fresh=fresh)
            writer.error(prediction, place, (*steps, tail), [*wanted, *needs], kept=True)
        else:
            writer.error(prediction, place, (tail,), needs, kept=True)
        self._spread(prediction, place)

    def _finish(self, credited: tuple[int, ...]) -> None:
        writer, final = self.writer, self.loop.final
        place = writer.program.once_each(Phase.FINISH, "update")
        for number in sorted(credited, reverse=True):
            prediction = self.cut[number]
            from_input = [line for line in prediction.lines if line.source == INPUT]
            if len(from_input) == len(prediction.lines):
                writer.back_to_join(prediction, place, [Newest("error", number, final)])
            for line in from_input:
                writer.back(line, place, [Newest("summed", number, final)])
            for line in prediction.lines:
                if line.source != INPUT and line.before.learns:
                    writer.feed_back(line, place, back=final)
        for number in sorted(credited, reverse=True):
            writer.learn(number, place, back=final)


def forward_start(
    writer: Writer, prediction: Prediction, place: Place, *, alone: object = None
) -> None:
    """The prediction of a node and its value, once; ``alone`` tells whose joining line keeps a value of its own."""
    apart = bool(callable(alone) and alone(prediction))
    for line in prediction.lines:
        writer.forward(line, place, alone=apart)
    wanted, steps = writer.summed(prediction, place, fresh=not apart)
    writer.value(prediction, place, steps, wanted)
