"""What does each part of a network keep in memory?

Every value that the way back reads is kept: a part's operand, its error, what lies between two steps where a
derivative is found from it, winners of pools, normalised values, attention weights. A pull by windows adds them up
sample by sample, so that it keeps one sample's windows. Left out: room shared by values that are not needed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from pcsim.config import Value
from pcsim.network import INPUT
from pcsim.program.kernels import DESCENT_WORDS, OPTIMISER_WORDS
from pcsim.program.parts import Line, Prediction, Run, Stage
from pcsim.program.writer import Writer


class StashDepth(NamedTuple):
    """Of how many micro-batches a node keeps states and errors; what arrived for its products, where that is more; and
    outputs, until their errors are formed."""

    states: int
    errors: int
    operands: int
    outputs: int = 1


def keep(
    writer: Writer,
    *,
    learning: bool,
    relaxed: bool = False,
    descent: str = "gd",
    kept_predictions: Iterable[int] = (),
    alone: Callable[[Prediction], bool] = lambda prediction: False,
    kept: Callable[[int], StashDepth] | None = None,
) -> Mapping[int, int]:
    """Reserve the memory of all parts; returns the words a sample of states that the owners of each keep for the way
    back. ``relaxed``: states move, and their errors are kept beside them.

    ``kept_predictions``: of nodes whose prediction stays while their state moves. ``alone``: the product at the join
    keeps its value while others of the sum change. ``kept``: of how many micro-batches by node, all unless given.
    """
    every = StashDepth(*[writer.program.micro_batches] * 3)
    keeper = _Keeper(writer, learning, relaxed, descent, kept or (lambda node: every))
    predicted = set(kept_predictions)
    for prediction in writer.cut.predictions:
        keeper.node(prediction)
        if prediction.node.number in predicted:
            keeper.prediction(prediction, alone=alone(prediction))
    return keeper.words


class _Keeper:
    """Its life: every node once."""

    def __init__(
        self,
        writer: Writer,
        learning: bool,
        relaxed: bool,
        descent: str,
        kept: Callable[[int], StashDepth],
    ) -> None:
        self.cut, self.program = writer.cut, writer.program
        self.learning, self.relaxed, self.descent = learning, relaxed, descent
        self.kept_by = kept
        self.pipelined = not relaxed
        self.kept = StashDepth(1, 1, 1)
        """Of the node at hand."""
        self.words: dict[int, int] = {}
        """Of states a sample, by part, without what is only passing."""

    def value(
        self,
        part: int,
        name: str,
        kind: str,
        value: Value,
        words: int,
        *,
        copies: int = 1,
        passing: bool = False,
    ) -> None:
        """``words`` a sample at the owners of ``part``, in proportion to their channels; of every micro-batch, unless
        it is only ``passing``."""
        if not passing:
            copies *= self.kept.errors if value is Value.ERROR else self.kept.states
            if value is Value.STATE:
                self.words[part] = self.words.get(part, 0) + words
        if words:
            channels = self.cut.parts[part - 1].n_out
            self.program.keep(
                part,
                name,
                kind,
                value,
                axis="value",
                copies=copies,
                owner=True,
                words=-(-words // channels),
            )

    def node(self, prediction: Prediction) -> None:
        home, join = prediction.home, prediction.join
        self.kept = self.kept_by(prediction.node.number)
        for line in prediction.lines:
            self._line(line, join)
        self._run(prediction.then, join, f"{prediction.node.name}.then")
        if prediction.stages:
            self.value(join, "sum sent", "state", Value.STATE, prediction.then.gives)
        for index, stage in enumerate(prediction.stages):
            self._stage(
                stage, self.kept.states, from_input=False, last=index == len(prediction.stages) - 1
            )
        readers = self.cut.readers[prediction.node.number]
        if self._keeps_state(prediction):
            self.value(home, "state", "state", Value.STATE, prediction.size)
        if self.learning:
            self._errors(prediction)
        if not readers:
            if self.learning:
                self._output(prediction)
            return
        if self.relaxed and (moments := DESCENT_WORDS[self.descent]):
            self.value(home, "state moments", "state", Value.STATE, prediction.size, copies=moments)
        for line in readers:
            self._run(line.before, home, line.at)
            if line.before.terms and line.before.works and (self.relaxed or not line.carries):
                self.value(home, f"sent to {line.at}", "state", Value.STATE, line.before.gives)
            if self.learning and not line.is_carried:
                name = f"feedback of {line.at}"
                words = line.before.gives
                self.value(home, name, "error", Value.ERROR, words, passing=True)

    def _output(self, prediction: Prediction) -> None:
        """Targets of the whole batch and the next; outputs of which the error is not formed at once."""
        home, batches = prediction.home, 2 * self.program.micro_batches
        width = -(-prediction.size // self.cut.parts[home - 1].n_out)
        self.program.keep(
            home,
            "target",
            "state",
            Value.STATE,
            axis="value",
            copies=batches,
            owner=True,
            words=width,
        )
        waiting, size = self.kept.outputs, prediction.size
        if self.pipelined and waiting > 1 and not self._keeps_state(prediction):
            self.value(home, "output", "state", Value.STATE, size, copies=waiting, passing=True)

    def prediction(self, prediction: Prediction, *, alone: bool) -> None:
        """It lies where the product was summed up, unless it is no product's, or that keeps its own value ``alone``."""
        sizes = self.cut.parts[prediction.home - 1]
        if (
            (alone and not prediction.stages)
            or not sizes.weighted
            or sizes.words_out != prediction.size
        ):
            self.value(prediction.home, "prediction kept", "state", Value.STATE, prediction.size)

    def _keeps_state(self, prediction: Prediction) -> bool:
        """Whether the state lies apart from a product that was summed up, and from what readers make of it."""
        if not self.cut.readers[prediction.node.number]:
            sizes = self.cut.parts[prediction.home - 1]
            return not sizes.weighted or sizes.words_out != prediction.size
        number = prediction.node.number
        return self.relaxed or not self.cut.is_passing(number, learning=self.learning)

    def _errors(self, prediction: Prediction) -> None:
        """The error of the state, and that of the sum, where they are not that of a product's result."""
        of_product = bool(prediction.stages) or prediction.shares_error
        if not of_product or (self.relaxed and prediction.behind):
            self.value(prediction.home, "error", "error", Value.ERROR, prediction.size)
        if prediction.stages or (not of_product and prediction.behind):
            words = prediction.lines[0].words
            self.value(prediction.join, "error of the sum", "error", Value.ERROR, words)

    def _line(self, line: Line, join: int) -> None:
        for index, stage in enumerate(line.stages):
            first, last = index == 0, index == len(line.stages) - 1
            arriving = self._arriving(line) if first else self.kept.states
            self._stage(stage, arriving, from_input=first and line.source == INPUT, last=last)
        if self.learning and line.carries:
            part = line.stages[0].part
            self.program.keep(part, "skipped error", "error", Value.ERROR, axis="in")
        if line.last != join:
            copies = self.kept.states if line.stages else self._arriving(line)
            self.value(
                join,
                f"branch {line.at}",
                "state",
                Value.STATE,
                line.words,
                copies=copies,
                passing=True,
            )

    def _arriving(self, line: Line) -> int:
        """Of how many micro-batches a line keeps what arrives: over a skip it comes as early as its source is done;
        of the input that of the next batch, too."""
        if line.source == INPUT:
            return 2 * self.program.micro_batches
        if line.source < line.node - 1:
            return max(self.kept.operands, self.kept_by(line.source).operands)
        return self.kept.operands

    def _run(self, run: Run, part: int, at: str, *, in_place: bool = False) -> None:
        """What lies between steps where a derivative is found from it, and what they keep of their own.

        ``in_place``: the first such value lies where the product was summed up, which nothing else needs then.
        """
        if self.learning and run.terms:
            for term, work in run.terms:
                self.value(part, f"kept by {term.at}", "state", Value.STATE, work.own)
            inside = run.kept_between
            if (
                in_place
                and inside
                and not run.keeps_first
                and run.words_before(inside[0]) == run.words
            ):
                inside = inside[1:]
            for index in inside:
                words = run.words_before(index)
                self.value(part, f"between in {at}", "state", Value.STATE, words)
        self._parameters(run, part)

    def _parameters(self, run: Run, part: int) -> None:
        """Gains, offsets and positions, and what learning keeps of them."""
        channels = self.cut.parts[part - 1].n_out
        for term, work in run.terms:
            words = -(-work.parameters // channels)
            if words:
                places = term.at, term.weights
                self._learnt(part, term.at, places, axis="unit", words=words, owner=True)

    def _learnt(
        self,
        part: int,
        name: str,
        places: tuple[str, str],
        *,
        axis: str,
        words: int = 1,
        owner: bool = False,
    ) -> None:
        """Numbers that are learnt, and if they are: gradient, moments, and the copy that is stepped.

        ``places``: where they are used, and where they are at home. What is used elsewhere has no moments there;
        a home has room for a gradient that arrives.
        """
        program = self.program

        def reserve(what: str, kind: str, value: Value, copies: int = 1) -> None:
            program.keep(
                part, what, kind, value, axis=axis, copies=copies, owner=owner, words=words
            )

        reserve(name, "weight", Value.WEIGHT)
        if not self.learning:
            return
        reserve(f"gradient of {name}", "gradient", Value.ACCUMULATE)
        at, home = places
        if at != home:
            return
        if home in self.cut.users:
            reserve(f"gradient for {name}", "gradient", Value.ACCUMULATE)
        moments = OPTIMISER_WORDS[program.optimiser or "sgd"]
        if moments:
            reserve(f"moments of {name}", "optimiser", Value.OPTIMISER, moments)
        if program.master:
            reserve(f"master {name}", "master", Value.MASTER)

    def _stage(self, stage: Stage, operands: int, *, from_input: bool, last: bool) -> None:
        program, part, work = self.program, stage.part, stage.work
        sizes = work.sizes
        kept = self.kept.states
        program.keep(part, "operand", "state", Value.STATE, axis="in", copies=operands)
        if sizes.weighted:
            self._learnt(part, "weights", (stage.at, stage.weights), axis="weight")
        if work.bias:
            self._learnt(part, "biases", (stage.at, stage.weights), axis="unit", owner=True)
        if sizes.weighted or work.forward:
            program.keep(part, "prediction", "state", Value.ACCUMULATE, axis="out")
        if work.group_words:
            name, words = "weights of heads", work.group_words
            program.keep(part, name, "state", Value.STATE, axis="group", copies=kept, words=words)
            self.words[part] = self.words.get(part, 0) + sizes.groups * words
        in_place = kept == 1 and bool(sizes.weighted or work.forward)
        self._run(stage.after, part, stage.at, in_place=in_place)
        if not last:
            words = stage.after.gives
            self.value(part, "sent", "state", Value.STATE, words)
        if not self.learning:
            return
        if sizes.weighted or work.forward:
            name = "error of the result"
            errors = self.kept.errors
            program.keep(part, name, "error", Value.ERROR, axis="out", copies=errors)
        if work.group_words:
            program.keep(
                part, "errors of heads", "error", Value.ERROR, axis="group", words=work.group_words
            )
        if not from_input and (sizes.weighted or work.forward):
            program.keep(part, "feedback out", "error", Value.ACCUMULATE, axis="in")
            if work.folds is not None:
                program.keep(part, "windows", "error", Value.ACCUMULATE, axis="window")
