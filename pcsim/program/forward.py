"""How values are made: products follow one another through parts, branches are summed, and what comes
of them is sent to all that read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pcsim.program.kernels import (
    COMPARE,
    COMPLETE_PREDICTION,
    SUBTRACT,
    Kernel,
)
from pcsim.program.operators.work import (
    ERROR,
    NOTHING,
    STATE,
    Kept,
    PartProduct,
    Piece,
    Statistics,
    Step,
    added,
    fused,
)
from pcsim.program.ops import Key, Kind, Need, Phase, Place, Role
from pcsim.program.parts import Line, Prediction, Stage, parameter
from pcsim.program.script import Amounts, Newest, Script, Wanted, updated


class ForwardScript(Script):
    """A script with the passes from the input to the output."""

    def product(self, stage: Stage, place: Place, needs: Wanted) -> tuple[Wanted, tuple[Step, ...]]:
        """The products of a part; returns what to need, and the steps that are left to do at its owners."""
        work, part = stage.work, stage.part
        if not work.sizes.weighted:
            wanted = list(needs)
            for each in work.forward:
                wanted = [self.between(each, Kind.PRODUCT_FORWARD, stage, place, wanted)]
            return wanted, stage.after.forward
        weights = (parameter(stage.weights, None),)
        wanted = [*self.loaded(str(Role.WEIGHTS), part), *updated(weights, part), *needs]
        again = Role.RECOMPUTED if self.again else None
        done = self.add(Kind.PRODUCT_FORWARD, part, place, wanted, role=again, learnt=weights)
        summed = self.add(
            Kind.REDUCE,
            part,
            place,
            [done],
            role=again or Role.PREDICTION,
            elements=self.batch * work.sizes.words_out,
            kernel=COMPLETE_PREDICTION,
        )
        return [summed], (*stage.biases, *stage.after.forward)

    def between(
        self, each: PartProduct | Piece, kind: Kind, stage: Stage, place: Place, needs: Wanted
    ) -> Key:
        """One of the products of a part without weights, or what lies between them."""
        if isinstance(each, PartProduct):
            return self.add(
                kind,
                stage.part,
                place,
                needs,
                role=each.role,
                product=each.contraction,
                at=stage.at,
            )
        role = Role.SCORES if kind is Kind.PRODUCT_FORWARD else Role.PULLED
        return self.elementwise(
            each.kernel, each.elements, stage.part, place, role, stage.at, needs
        )

    def through(
        self, stages: Sequence[Stage], place: Place, needs: Wanted
    ) -> tuple[Wanted, tuple[Step, ...]]:
        """One part after the other from the operand of the first; returns as ``product`` does, of the last."""
        left: tuple[Step, ...] = ()
        wanted = needs
        for stage, above in zip(stages, [*stages[1:], None], strict=True):
            wanted, left = self.product(stage, place, wanted)
            if above is not None:
                left = _kept_too(left, stage)
                made = self.work(left, stage.part, place, Role.SENT, stage.at, wanted)
                words = stage.after.gives
                ready = [*made, *self._has_been_read(above.part)]
                key = self.exchange(
                    Role.STATE, stage.part, place, words, ready, target=above.part, at=stage.at
                )
                self.note("operand", above.part, [key])
                wanted = [key]
        return wanted, left

    def forward(
        self, line: Line, place: Place, *, alone: bool, after: Sequence[Newest] = ()
    ) -> None:
        """The products of a line from the newest operand of its first part, ``after`` what else must have come. Unless
        it ends where branches are summed and the sum is made at once (not ``alone``), its value is completed and sent
        there."""
        if not line.stages:
            return
        if line.carries and not self.again:
            self._receive(line, place)
        operand = [Newest("operand", line.stages[0].part), *after]
        wanted, left = self.through(line.stages, place, operand)
        prediction = self.cut[line.node]
        if line.last == prediction.join and not alone:
            self.note("product", line.at, wanted)
            return
        made = self.work(left, line.last, place, Role.BRANCH, line.at, wanted)
        if line.last != prediction.join:
            made = [
                self.exchange(
                    Role.BRANCH,
                    line.last,
                    place,
                    line.words,
                    made,
                    target=prediction.join,
                    at=line.at,
                )
            ]
        self.note("branch", line.at, made)

    def _receive(self, line: Line, place: Place) -> None:
        """What comes before the product of a line that carries the value itself, on all tiles of its part."""
        stage = line.stages[0]
        wanted: Wanted = [Newest("brought", stage.part)]
        for step in fused(line.before.forward):
            assert isinstance(step, Piece), "an activation is one piece"
            words = stage.sizes.words_in
            wanted = [
                self.elementwise(
                    step.kernel, words, stage.part, place, Role.OPERAND, line.at, wanted
                )
            ]
        self.note("operand", stage.part, wanted)

    def summed(
        self, prediction: Prediction, place: Place, *, fresh: bool
    ) -> tuple[Wanted, tuple[Step, ...]]:
        """The sum of all lines and what is applied to it, up to the steps left to do at the node's home.

        ``fresh``: the line that ends at the join has just been multiplied; else its value is complete there.
        """
        wanted: list[Need | Key | Newest] = []
        steps: list[Step] = []
        own = prediction.own
        rest = [line for line in prediction.lines if line is not own]
        words = prediction.lines[0].words
        if own is not None and fresh:
            stage = own.stages[-1]
            steps += [*stage.biases, *stage.after.forward]
            wanted.append(Newest("product", own.at))
        elif own is not None:
            wanted.append(Newest("branch", own.at))
        for number, line in enumerate(rest):
            wanted.append(Newest("branch", line.at))
            if number or own is not None:
                steps = added(steps, words)
        steps += prediction.then.forward
        if not prediction.stages:
            return wanted, tuple(steps)
        name = f"{prediction.node.name}.then"
        made = self.work(steps, prediction.join, place, Role.BRANCH, name, wanted)
        first = prediction.stages[0].part
        key = self.exchange(
            Role.STATE,
            prediction.join,
            place,
            prediction.then.gives,
            made,
            target=first,
            at=name,
        )
        self.note("operand", first, [key])
        done, left = self.through(prediction.stages, place, [key])
        self.note("product", name, done)
        return [Newest("product", name)], left

    def value(
        self, prediction: Prediction, place: Place, steps: Sequence[Step], needs: Wanted
    ) -> None:
        """The value of a node by ``steps``, sent to all that read it: what each makes of it first, as part of the
        same kernel where that works on the same elements, else by itself."""
        number, home = prediction.node.number, prediction.home
        made, along = self._made(prediction, steps)
        name = prediction.node.name
        wanted = list(needs)
        for step in made:
            if isinstance(step, Statistics):
                wanted = [self.statistics(step, home, place, name, wanted)]
            else:
                wanted = [self.piece(step, home, place, Role.STATE, name, wanted)]
        self.note("state", number, wanted)
        in_steps = self.told is not None and place.phase is Phase.STEP
        told = self.told.of(Role.STATE, number, place) if self.told and in_steps else None
        ready = self.compared(Role.STATE, prediction, place, wanted)
        for line in sorted(self.cut.readers[number], key=lambda line: line.is_carried):
            sent, only = ready, None if line.is_carried else told
            if line not in along and not line.carries and line.before.works:
                sent = self.work(line.before.forward, home, place, Role.SENT, line.at, wanted)
                only = None  # What is made of a value is not compared.
            self.note("sent", line.at, sent)
            if not self.again:
                self._send(line, home, place, sent, only)

    def _made(self, prediction: Prediction, steps: Sequence[Step]) -> tuple[list[Step], list[Line]]:
        """The kernels of a value, and the lines whose own steps are part of them."""
        number, size = prediction.node.number, prediction.size
        readers = self.cut.readers[number]
        # A value that is nothing but a sum lies where that was summed up; an output stays there.
        stays = not fused(steps)
        made = fused(steps) or ([Piece(size, ())] if readers else [])
        along: list[Line] = []
        last = made[-1] if made else None
        if isinstance(last, Piece) and last.elements == size:
            for line in readers:
                if line.carries:
                    continue
                before = fused(line.before.forward)
                if len(before) == 1 and isinstance(before[0], Piece):
                    piece = before[0]
                    if piece.elements == size and piece.takes.total == piece.gives.total == 1:
                        along.append(line)
                        last = replace(
                            last,
                            primitives=(*last.primitives, *piece.primitives),
                            keeps=last.keeps + piece.keeps + STATE,
                            learnt=(*last.learnt, *piece.learnt),
                        )
            passing = stays
            if not self.relaxed:
                learning = self.program.optimiser is not None
                passing = self.cut.is_passing(number, learning=learning)
            if passing and len(along) == len(readers):
                last = replace(last, gives=NOTHING)
            made[-1] = last
        return made, along

    def _has_been_read(self, part: int) -> list[Newest]:
        """Where weights learn in every step, an operand must not meet a gradient that still reads the one before."""
        return [Newest("gradient", part)] if self.sequence else []

    def _back_here(self, part: int) -> list[Newest]:
        """Where it was put away, what ``part`` keeps for the way back must be there again."""
        return [Newest("restored", part)] if self.has("restored", part) else []

    def compared(self, role: Role, prediction: Prediction, place: Place, needs: Wanted) -> Wanted:
        """The comparison of a state or error with what is known of it, where only what has changed is told."""
        if self.told is None or place.phase is not Phase.STEP:
            return needs
        of_state = role is Role.STATE
        kind = STATE if of_state else ERROR
        kernel = Kernel((SUBTRACT, COMPARE), reads=kind + kind, writes=kind)
        changed = Role.CHANGED_STATE if of_state else Role.CHANGED_ERROR
        home, name = prediction.home, prediction.node.name
        return [self.elementwise(kernel, prediction.size, home, place, changed, name, needs)]

    def _send(self, line: Line, home: int, place: Place, needs: Wanted, told: Amounts) -> None:
        words = line.before.gives
        if line.stages:
            first = line.stages[0].part
            ready = [*needs, *self._has_been_read(first)]
            key = self.exchange(
                Role.STATE, home, place, words, ready, target=first, at=line.at, told=told
            )
            self.note("brought" if line.carries else "operand", first, [key])
            return
        join = self.cut[line.node].join
        role, wanted = Role.BRANCH, list(needs)
        if line.is_carried:
            role, wanted = Role.SKIPPED_STATE, [*wanted, *self.now("brought", join, place.phase)]
        key = self.exchange(role, home, place, words, wanted, target=join, at=line.at, told=told)
        self.note("branch", line.at, [key])


def forward_start(
    writer: ForwardScript, prediction: Prediction, place: Place, *, alone: object = None
) -> None:
    """The prediction of a node and its value, once; ``alone`` tells whose joining line keeps a value of its own."""
    apart = bool(callable(alone) and alone(prediction))
    for line in prediction.lines:
        writer.forward(line, place, alone=apart)
    wanted, steps = writer.summed(prediction, place, fresh=not apart)
    writer.value(prediction, place, steps, wanted)


def _kept_too(steps: Sequence[Step], stage: Stage) -> tuple[Step, ...]:
    """``steps`` after a part; what the first of them reads is written, too, where its derivative is found from that."""
    if not stage.after.terms or stage.after.terms[0][1].kept is not Kept.READ:
        return tuple(steps)
    at = len(steps) - len(stage.after.forward)
    first = steps[at]
    assert isinstance(first, Piece), "an activation is one piece"
    return (*steps[:at], replace(first, keeps=first.keeps + STATE), *steps[at + 1 :])
