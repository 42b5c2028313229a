"""How errors come back: formed at a node, brought through its parts, and pulled to the nodes that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pcsim.program.contractions import PULL_WINDOWS
from pcsim.program.forward import ForwardScript
from pcsim.program.kernels import ADD, COMPLETE_FEEDBACK, Kernel
from pcsim.program.operators.work import ERROR, NOTHING, Piece, Step, fused
from pcsim.program.ops import Key, Kind, Need, Place, Role
from pcsim.program.parts import Line, Prediction, Stage, parameter
from pcsim.program.script import Amounts, Newest, Wanted
from pcsim.program.words import Words


class Writer(ForwardScript):
    """A script with the passes there and back. Its life: they are written one after the other, then ``build``."""

    def error(
        self,
        prediction: Prediction,
        place: Place,
        steps: Sequence[Step],
        needs: Wanted,
        *,
        is_zero: bool = False,
        kept: bool = False,
        formed: bool = False,
    ) -> None:
        """The error of a node by ``steps``, and what it becomes on its way through what was done last at its home;
        where it ``is_zero`` it stays so. ``kept``: it is needed later, too, as by the node's own state. ``formed``: of
        the prediction, which is at hand for the slope of what gave it."""
        home, number = prediction.home, prediction.node.number
        behind = () if is_zero else prediction.behind
        if formed and behind and prediction.last_bends:
            first, *others = behind
            assert isinstance(first, Piece), "an activation is one piece"
            behind = (replace(first, beside=NOTHING), *others)
        made = list(steps)
        last = made[-1] if made else None
        if behind and kept and isinstance(last, Piece):
            made[-1] = replace(last, keeps=last.keeps + ERROR)
        done = self.work((*made, *behind), home, place, Role.ERROR, prediction.node.name, needs)
        self.note("error", number, done)

    def back_to_join(
        self, prediction: Prediction, place: Place, needs: Wanted, told: Amounts = None
    ) -> None:
        """From the error of a node to that of the sum of its branches; ``told`` is what has changed of it."""
        number, stages = prediction.node.number, prediction.stages
        wanted = list(needs)
        for stage, below in _downwards(stages):
            shared = self.share(stage, place, wanted, told if stage is stages[-1] else None)
            part = below.part if below else prediction.join
            arrived = self.pulled(stage, place, [shared], target=part, at=stage.at)
            steps = below.after.pull if below else prediction.then.pull
            name = below.at if below else f"{prediction.node.name}.then"
            needs = [arrived, *self._back_here(part)]
            wanted = list(self.work(steps, part, place, Role.PULLED, name, needs))
        self.note("summed", number, wanted)

    def back(self, line: Line, place: Place, needs: Wanted, told: Amounts = None) -> None:
        """From the error of the sum to that of the line's first part, on all its tiles; ``told`` is what has changed
        of it."""
        prediction = self.cut[line.node]
        if not line.stages:
            self.note("left", line.at, needs)
            return
        wanted = list(needs)
        last = line.stages[-1]
        if line.last != prediction.join:
            wanted = [
                self.exchange(
                    Role.SPREAD,
                    prediction.join,
                    place,
                    line.words,
                    wanted,
                    target=line.last,
                    at=line.at,
                )
            ]
        if not (prediction.own is line and len(prediction.lines) == 1 and not prediction.stages):
            here = [*wanted, *self._back_here(last.part)]
            wanted = list(self.work(last.after.pull, last.part, place, Role.PULLED, last.at, here))
        for stage, below in _downwards(line.stages):
            shared = self.share(stage, place, wanted, told if stage is last else None)
            if below is not None:
                arrived = self.pulled(stage, place, [shared], target=below.part, at=stage.at)
                steps, part = below.after.pull, below.part
                here = [arrived, *self._back_here(part)]
                wanted = list(self.work(steps, part, place, Role.PULLED, below.at, here))

    def share(self, stage: Stage, place: Place, needs: Wanted, told: Amounts) -> Key:
        """The error of a part's result, from its owners to all its tiles."""
        words = stage.sizes.words_out
        key = self.exchange(Role.ERROR, stage.part, place, words, needs, at=stage.at, told=told)
        self.note("shared", stage.part, [key])
        return key

    def pulled(
        self,
        stage: Stage,
        place: Place,
        needs: Wanted,
        *,
        target: int,
        at: str,
        held: Sequence[Need] = (),
        beside: tuple[Line, Newest] | None = None,
    ) -> Key:
        """The pull of a part, sent to the owners of ``target``; where its line carries the value itself, with the
        error ``beside`` that the value's own line brings."""
        wanted, part, words = list(self.pull(stage, place, needs)), stage.part, stage.sizes.words_in
        if beside is not None:
            line, error = beside
            own = self.exchange(
                Role.SKIPPED_ERROR, part, place, line.words, [error], target=part, at=at
            )
            added = Piece(words, (ADD,), ERROR, ERROR, beside=ERROR)
            (step,) = fused((*line.before.pull, added))
            assert isinstance(step, Piece), "a slope and a sum are one piece"
            given = [*wanted, own]
            wanted = [self.elementwise(step.kernel, words, part, place, Role.FEEDBACK, at, given)]
        ready = [*wanted, *held]
        return self.exchange(Role.FEEDBACK, part, place, words, ready, target=target, at=at)

    def pull(self, stage: Stage, place: Place, needs: Wanted) -> Wanted:
        """The products by which an error is pulled back through a part, and what is left of their sums."""
        work, part = stage.work, stage.part
        wanted = list(needs)
        if work.sizes.weighted:
            product = PULL_WINDOWS if work.folds is not None else None
            weights = (parameter(stage.weights, None),)
            key = self.add(
                Kind.PRODUCT_BACKWARD, part, place, wanted, product=product, learnt=weights
            )
            wanted = [key]
            if work.folds is not None:
                window = work.sizes.n_in * work.sizes.taps * work.sizes.rows_out
                reads = Words(accumulate=1 + len(work.folds))
                kernel = Kernel(work.folds, reads, Words(accumulate=1))
                wanted = [
                    self.elementwise(kernel, window, part, place, Role.FOLDED, stage.at, wanted)
                ]
            wanted = [
                self.add(
                    Kind.REDUCE,
                    part,
                    place,
                    wanted,
                    role=Role.FEEDBACK,
                    elements=self.batch * work.sizes.words_in,
                    kernel=COMPLETE_FEEDBACK,
                )
            ]
            return wanted
        wanted += self._back_here(part)
        for each in work.pull:
            wanted = [self.between(each, Kind.PRODUCT_BACKWARD, stage, place, wanted)]
        return wanted

    def feed_back(
        self,
        line: Line,
        place: Place,
        *,
        back: int,
        also: Sequence[Need] = (),
        held: Sequence[Need] = (),
    ) -> None:
        """What the error of a line makes of its source, after what it needs ``also``; sent to the owners of that when
        what it is ``held`` by has ended, too. What is carried comes with its carrier."""
        if line.is_carried:
            return
        target = self.cut[line.source].home
        if line.stages:
            first = line.stages[0]
            needs: Wanted = [Newest("shared", first.part, back), *also]
            beside = (line, Newest("summed", line.node, back)) if line.carries else None
            arrived = self.pulled(
                first, place, needs, target=target, at=line.at, held=held, beside=beside
            )
        else:
            join = self.cut[line.node].join
            left: Wanted = [Newest("left", line.at, back), *also, *held]
            arrived = self.exchange(
                Role.SPREAD, join, place, line.words, left, target=target, at=line.at
            )
        self.note("arrived", line.at, [arrived])

    def collected(
        self, lines: Sequence[Line], places: Sequence[Place]
    ) -> tuple[Wanted, tuple[Step, ...]]:
        """The sum of what arrives from ``lines``: those after the first are added to it as they come, each in its
        own place; returns what to need, and the steps on the first that are left to do."""
        first, *others = lines
        needs: list[Need | Key | Newest] = [Newest("arrived", first.at)]
        for line, place in zip(others, places[1:], strict=True):
            home = self.cut[line.source].home
            size = self.cut[line.source].size
            added = Piece(size, (ADD,), ERROR, ERROR, beside=ERROR)
            steps = (*_left_to_pull(line), added)
            arrived = [Newest("arrived", line.at)]
            needs += self.work(steps, home, place, Role.PULLED, line.at, arrived)
        return needs, _left_to_pull(first)


def _downwards(stages: Sequence[Stage]) -> Iterator[tuple[Stage, Stage | None]]:
    """Every part from the last one on, with the one before it."""
    for index in range(len(stages) - 1, -1, -1):
        yield stages[index], stages[index - 1] if index else None


def _left_to_pull(line: Line) -> tuple[Step, ...]:
    """What is left to do with an error that a line has brought to the node it reads."""
    return () if line.carries else line.before.pull
