"""What all ways to relax states share: the feed-forward start, moves, errors on their way, the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pcsim.network import INPUT, Graph
from pcsim.program.cutting import cut
from pcsim.program.forward import forward_start
from pcsim.program.kernels import (
    DESCENT_WORDS,
    DESCENTS,
    MULTIPLY_ADD,
    OUTPUT_ERRORS,
    SUBTRACT,
)
from pcsim.program.learning import Learning
from pcsim.program.loop import Loop
from pcsim.program.memory import keep
from pcsim.program.operators.work import ERROR, NOTHING, STATE, Piece, Step
from pcsim.program.ops import IN_TURN, Need, Phase, Place, Program, Role, Turn
from pcsim.program.options import Options
from pcsim.program.parts import Line, Prediction
from pcsim.program.script import Newest, Wanted
from pcsim.program.synchronise import pulling_part, synchronise, wait_at
from pcsim.program.words import Words
from pcsim.program.writer import Writer


class Relaxation(ABC):
    """Built, then ``write`` once. Who inherits says when things first happen, and writes the steps."""

    sequence = False
    """Whether a step is a sequence of moves."""

    learns_in_steps = False
    """Whether weights learn in every step, and not at the end."""

    def __init__(self, graph: Graph, loss: str, options: Options) -> None:
        self.graph, self.loss, self.options = graph, loss, options
        self.steps, self.wavefront, self.hoist = options.steps, options.wavefront, options.hoist
        self.cut = cut(graph)
        self.loop = Loop(options.steps, options.micro_batches)
        self.writer = Writer(
            self.cut,
            batch=options.batch,
            optimiser=options.optimiser,
            master=options.master,
            micro_batches=options.micro_batches,
            relaxed=True,
            sequence=self.loop if self.sequence else None,
        )
        self.writer.told = options.told
        self.output = graph.output.number

    @abstractmethod
    def moves_from(self, node: int) -> int | None:
        """The first step in which a node moves; None if it never does."""

    @abstractmethod
    def pulls_from(self, line: Line) -> int | None:
        """The first step in which an error is pulled back along a line."""

    def errs_from(self, node: int) -> int | None:
        """The first step after which the error of a node is another than before; asked of rules that may check."""
        raise NotImplementedError(f"{type(self).__name__} has no checks, which alone ask this")

    def turn_of_error(self, node: int) -> Turn:
        """That of the last change of its error in a step."""
        return IN_TURN

    def turn(self, node: int) -> Turn:
        """When units take what the move of a node makes them do."""
        return IN_TURN

    def feed_back(self, line: Line, place: Place) -> None:
        """What an error makes of the node that a line reads, once all agree."""
        part = pulling_part(self.cut, line)
        agreed = wait_at(self.options.control, part, back=self.loop.back)
        self.writer.feed_back(line, place, back=self.loop.back, also=agreed)

    @abstractmethod
    def credited(self) -> tuple[int, ...]:
        """The nodes that learn."""

    def is_told(self, node: int) -> bool:
        """Whether its last error has gone on to where pulls begin."""
        return True

    @abstractmethod
    def write_steps(self) -> None:
        """Write all that happens within the steps."""

    def place(self, first: int, node: int) -> Place:
        """From step ``first`` on, as a part of the move of ``node``."""
        return self.loop.place(first, turn=self.turn(node))

    def runs_from(self, line: Line) -> int | None:
        """The first step in which a line is predicted anew."""
        if line.source == INPUT:
            return None if self.hoist else self._within(1)
        return self.moves_from(line.source)

    def _within(self, first: int | None) -> int | None:
        return first if first is not None and first <= self.steps else None

    def write(self) -> Program:
        self._start()
        self.write_steps()
        synchronise(
            self.writer,
            self.options.control,
            self.loop,
            first=self.errs_from,
            turn=self.turn_of_error,
        )
        credited = self.credited()
        if self.options.at_once or self.options.visits:
            self.learn_at_once(credited)
        else:
            self.finish(credited)
        keep(
            self.writer,
            learning=True,
            relaxed=True,
            descent=self.options.descent,
            kept_predictions=self.kept_predictions(),
            alone=self.kept_alone,
        )
        parts = (
            stage.part
            for node in credited
            for stage in self.cut.stages_of(node)
            if stage.sizes.weighted
        )
        return self.writer.build("pc", steps=self.steps, credited=tuple(sorted(parts)))

    def kept_predictions(self) -> Iterable[int]:
        """The nodes whose prediction is kept from one change of their error to the next."""
        return ()

    def _start(self) -> None:
        """Feed-forward: every state is its prediction, so that only the output's error is not zero."""
        writer = self.writer
        place = writer.program.once_each(Phase.START, "forward")
        writer.load(with_target=True)
        for prediction in self.cut.predictions:
            forward_start(writer, prediction, place, alone=self.kept_alone)
        for prediction in self.cut.predictions:
            number = prediction.node.number
            needs = [Newest("state", number)]
            wanted = [*needs, *writer.loaded("target", prediction.home)]
            if self.options.nudged and number == self.output:
                moved = Piece(prediction.size, (SUBTRACT, MULTIPLY_ADD), beside=STATE)
                name = prediction.node.name
                wanted = [*writer.work((moved,), prediction.home, place, Role.NUDGED, name, wanted)]
            self.err(prediction, place, (), wanted, is_zero=number != self.output)
            if number == self.output or not self.wavefront:
                self.spread(prediction, place, everywhere=self.learns_in_steps)

    def kept_alone(self, prediction: Prediction) -> bool:
        """Whether the line that ends at the join keeps a value of its own, as it stays and others change."""
        own = prediction.own
        if own is None or self.runs_from(own) is not None:
            return False
        return any(self.runs_from(line) is not None for line in prediction.lines)

    def err(
        self,
        prediction: Prediction,
        place: Place,
        steps: Sequence[Step],
        needs: Wanted,
        *,
        is_zero: bool = False,
        keeps: Words = NOTHING,
    ) -> None:
        """The error of a node after ``steps`` to its prediction, which ``keeps`` so much of it; as it ``is_zero``, or
        to be kept."""
        tail = replace(self.difference(prediction), keeps=keeps)
        self.writer.error(
            prediction, place, (*steps, tail), needs, is_zero=is_zero, kept=not is_zero, formed=True
        )

    def difference(self, prediction: Prediction) -> Piece:
        """z less its prediction, or the error of the loss."""
        if prediction.node.number == self.output:
            return Piece(prediction.size, OUTPUT_ERRORS[self.loss], gives=ERROR, beside=STATE)
        return Piece(prediction.size, (SUBTRACT,), gives=ERROR, beside=STATE)

    def spread(self, prediction: Prediction, place: Place, *, everywhere: bool = False) -> None:
        """The error on its way to where pulls begin: the first parts of lines from other nodes; ``everywhere``: of
        those from the input, too, where weights learn by it."""
        lines = [line for line in prediction.lines if everywhere or line.source != INPUT]
        if not lines:
            return
        writer, number = self.writer, prediction.node.number
        error = writer.now("error", number, place.phase)
        told = self.options.told
        in_steps = told is not None and place.phase is Phase.STEP
        only = told.of(Role.ERROR, number, place) if told and in_steps else None
        ready = writer.compared(Role.ERROR, prediction, place, error)
        writer.back_to_join(prediction, place, ready, only)
        for line in lines:
            direct = only if not prediction.stages and prediction.own is line else None
            writer.back(line, place, writer.now("summed", number, place.phase), direct)

    def move(self, prediction: Prediction, first: int) -> None:
        """What is pulled from all readers, what follows from it, and that sent to them."""
        needs, steps = self.pull(prediction)
        self.writer.value(prediction, self.place(first, prediction.node.number), steps, needs)

    def pull(self, prediction: Prediction) -> tuple[Wanted, tuple[Step, ...]]:
        """What arrives from the readers of a node, and the steps from it to what the node becomes."""
        writer, number = self.writer, prediction.node.number
        begins = {
            line: begin
            for line in reversed(self.cut.bringers(number))
            if (begin := self.pulls_from(line)) is not None
        }
        lines = sorted(begins, key=lambda line: begins[line])
        places = [self.place(begins[line], number) for line in lines]
        moments = DESCENT_WORDS[self.options.descent]
        # A slope is found from the value that moves, which is read once.
        bends = bool(lines) and lines[0].before.bends and not lines[0].carries
        follow = Piece(
            prediction.size,
            (SUBTRACT, DESCENTS[self.options.descent]),
            takes=ERROR,
            beside=Words(state=moments if bends else 1 + moments, error=1),
            keeps=Words(state=moments),
        )
        needs: list[Need | Newest] = [
            Newest("error", number, self.loop.back),
            Newest("state", number, self.loop.back),
            *wait_at(self.options.control, prediction.home, back=self.loop.back),
        ]
        if lines:
            arrived, steps = writer.collected(lines, places)
            return [*arrived, *needs], (*steps, follow)
        # Its own error alone moves it.
        alone = Piece(
            prediction.size,
            (DESCENTS[self.options.descent],),
            takes=ERROR,
            beside=Words(state=1 + moments),
            keeps=Words(state=moments),
        )
        return needs, (alone,)

    def finish(self, credited: tuple[int, ...]) -> None:
        writer, final = self.writer, self.loop.final
        place = writer.program.once_each(Phase.FINISH, "update")
        for number in sorted(credited, reverse=True):
            self._bring_errors(number, place, back=final)
        learning = Learning(writer)
        for number in sorted(credited, reverse=True):
            learning.learn(number, place, back=final)
        learning.update_shared()

    def learn_at_once(self, credited: tuple[int, ...]) -> None:
        """Every node within the last step, once its last error is there."""
        learning = Learning(self.writer)
        for number in sorted(credited, reverse=True):
            turn = self.turn_of_error(number)
            place = self.loop.place(self.steps, turn=turn, stage="update")
            self._bring_errors(number, place, back=0)
            learning.learn(number, place, back=0, updating=place)
        learning.update_shared()

    def _bring_errors(self, number: int, place: Place, *, back: int) -> None:
        """The last error of a node to everything that it learns, as far as it has not been told yet."""
        writer, prediction = self.writer, self.cut[number]
        told = self.is_told(number)
        left = [line for line in prediction.lines if line.source == INPUT or not told]
        if len(left) == len(prediction.lines):
            writer.back_to_join(prediction, place, [Newest("error", number, back)])
        for line in left:
            writer.back(line, place, [Newest("summed", number, back)])
        for line in prediction.lines:
            if line.source != INPUT and line.before.learns:
                writer.feed_back(line, place, back=back)
