"""How a graph's passes are written down: forward through its parts, and errors back.

What an operation gives is noted under a name (the operand of a part, a node's error, ...), so that others can need
its newest instance: that of a step, or where it has not run yet, that of the start. Operations of a step may need
some that come later in the program, of the step before; such needs are filled in at the end.

Where a step is a sequence of moves, a value changes several times in it, and what is newest follows from the order in
which the program is written: what stands before is of this step, what stands behind of the step before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pcsim.network import INPUT
from pcsim.program.builder import ProgramBuilder
from pcsim.program.contractions import PULL_WINDOWS
from pcsim.program.graphs.parts import Cut, Line, Prediction, Stage
from pcsim.program.kernels import ADD, COMPARE, MULTIPLY, MULTIPLY_ADD, SUBTRACT, Kernel
from pcsim.program.loop import Loop
from pcsim.program.messages import Told
from pcsim.program.operators.work import (
    ERROR,
    NOTHING,
    STATE,
    Kept,
    PartProduct,
    Piece,
    Statistics,
    Step,
    fused,
)
from pcsim.program.ops import ALL, Key, Kind, Need, Phase, Place, Program, Role
from pcsim.program.parts import COMPLETE_FEEDBACK, COMPLETE_PREDICTION
from pcsim.program.verify import PHASES
from pcsim.program.words import Words

Needs = list[Need | Key]


class Newest(NamedTuple):
    """A need of the newest instance of what is noted as ``what`` of ``of``; ``back`` for that of a step."""

    what: str
    of: str | int
    back: int = 0


class Version(NamedTuple):
    """After all of ``keys``, of one phase, something is there anew; noted when ``at`` operations were written."""

    at: int
    phase: Phase
    keys: tuple[Key, ...]


Wanted = Iterable[Need | Key | Newest]

Amounts = tuple[int, ...] | None
"""Of an exchange that tells only what has changed, how many values in each instance; None: all."""


class Writer:
    """Writes one program of a graph. Its life: passes are written one after the other, then ``build``."""

    def __init__(
        self,
        cut: Cut,
        *,
        batch: int,
        optimiser: str | None,
        master: bool = False,
        micro_batches: int = 1,
        relaxed: bool = False,
        sequence: Loop | None = None,
    ) -> None:
        """``relaxed``: states move by themselves, so that they are kept beside what is made of them. ``sequence``: of
        steps in which the order of writing says what is newest."""
        self.cut, self.relaxed, self.sequence = cut, relaxed, sequence
        self.program = ProgramBuilder(
            (),
            batch,
            optimiser=optimiser,
            master=master,
            micro_batches=micro_batches,
            parts=cut.parts,
            names=cut.names,
        )
        self.batch = self.program.batch
        self.told: Told | None = None
        """What is told of states and errors in each step, where that is only what has changed."""
        self.again = False
        """Whether what was dropped is being made once more, on the spot."""
        self.noted: dict[tuple[str, str | int], list[Version]] = {}
        self.open: list[tuple[int, tuple[Newest, ...]]] = []

    def build(self, rule: str, *, steps: int, credited: tuple[int, ...]) -> Program:
        ops = self.program.ops
        places = {op.key: op.place for op in ops}
        for index, wanted in self.open:
            op = ops[index]
            needs = [need for each in wanted for need in self._newest(each, index, places)]
            ops[index] = replace(op, needs=tuple(dict.fromkeys((*op.needs, *needs))))
        return self.program.build(rule, steps=steps, credited=credited)

    def _newest(self, wanted: Newest, index: int, places: Mapping[Key, Place]) -> Iterator[Need]:
        """What operation ``index`` needs for the newest of something."""
        op = self.program.ops[index]
        versions = self.noted.get((wanted.what, wanted.of), [])
        moves = [version for version in versions if version.phase is Phase.STEP]
        found = {v.phase: v for v in versions if PHASES.index(v.phase) <= PHASES.index(op.phase)}
        if self.sequence is None or Phase.STEP not in found:
            for phase, version in found.items():
                back = _back(phase, wanted.back)
                yield from (Need(key, back) for key in version.keys)
            return
        candidates = [(each, wanted.back) for each in reversed(moves)]
        if op.phase is Phase.STEP:
            before = [(each, 0) for each in reversed(moves) if each.at <= index]
            behind = [(each, self.sequence.back) for each in reversed(moves) if each.at > index]
            candidates = before + behind
        elif Phase.FINISH in found:
            candidates.insert(0, (found[Phase.FINISH], 0))
        for version, back in candidates:
            yield from (Need(key, back) for key in version.keys)
            # What has run whenever this runs is newer than everything else.
            first = op.place.first - back
            if op.phase is not Phase.STEP or all(places[k].first <= first for k in version.keys):
                return
        for phase in (Phase.SETUP, Phase.START):
            if phase in found:
                yield from (Need(key, _back(phase, 0)) for key in found[phase].keys)

    def has(self, what: str, of: str | int, phase: Phase | None = None) -> bool:
        """Whether something is noted, in ``phase`` if one is given."""
        versions = self.noted.get((what, of), [])
        return any(phase is None or version.phase is phase for version in versions)

    def now(self, what: str, of: str | int, phase: Phase) -> list[Key]:
        """The newest of ``phase`` that is noted so far."""
        versions = [each for each in self.noted.get((what, of), []) if each.phase is phase]
        return list(versions[-1].keys) if versions else []

    def note(self, what: str, of: str | int, given: Wanted) -> None:
        """After all of ``given`` there is ``what`` of ``of``, in the phases that these belong to."""
        found: dict[Phase, list[Key]] = {}
        for each in given:
            if isinstance(each, Newest):
                newest = {v.phase: v.keys for v in self.noted.get((each.what, each.of), [])}
                for phase, keys in newest.items():
                    found.setdefault(phase, []).extend(keys)
            else:
                key = each.op if isinstance(each, Need) else each
                found.setdefault(key.phase, []).append(key)
        versions = self.noted.setdefault((what, of), [])
        written = len(self.program.ops)
        versions += [Version(written, phase, tuple(keys)) for phase, keys in found.items()]

    def add(self, kind: Kind, part: int, place: Place, needs: Wanted, **given: object) -> Key:
        """Append an operation, as `ProgramBuilder.add`; of several of a kind at one place the later are numbered."""
        at, role = str(given.pop("at", "")), given.get("role")
        assert role is None or isinstance(role, Role)
        numbered, number = at, 1
        while self.program.has(Key(kind, role, part, place.phase, numbered)):
            number += 1
            numbered = f"{at}#{number}"
        wanted = list(needs)
        later = tuple(need for need in wanted if isinstance(need, Newest))
        now = [need for need in wanted if not isinstance(need, Newest)]
        key = self.program.add(kind, part, place, needs=now, at=numbered, **given)  # type: ignore[arg-type]
        if later:
            self.open.append((len(self.program.ops) - 1, later))
        return key

    # Elementwise work and what moves.

    def work(
        self, steps: Iterable[Step], part: int, place: Place, role: Role, at: str, needs: Wanted
    ) -> Wanted:
        """``steps`` at the owners of ``part``, in as few kernels as possible; returns what to need."""
        wanted = list(needs)
        for step in fused(steps):
            if isinstance(step, Statistics):
                wanted = [self._statistics(step, part, place, at, wanted)]
                continue
            key = self.elementwise(step.kernel, step.elements, part, place, role, at, wanted)
            wanted = [key]
        return wanted

    def elementwise(
        self,
        kernel: Kernel,
        elements: int,
        part: int,
        place: Place,
        role: Role,
        at: str,
        needs: Wanted,
    ) -> Key:
        """``kernel`` on so many ``elements`` of each sample."""
        if self.again and role is not Role.STATISTICS:
            role = Role.RECOMPUTED
        return self.add(
            Kind.ELEMENTWISE,
            part,
            place,
            needs,
            elements=self.batch * elements,
            role=role,
            kernel=kernel,
            at=at,
        )

    def _statistics(self, step: Statistics, part: int, place: Place, at: str, needs: Wanted) -> Key:
        """Sums over all owners, what follows from them at the first, and that back to all."""
        words = self.batch * step.words
        role = Role.STATISTICS
        kernel = Kernel((ADD,), Words(accumulate=2), Words(accumulate=1))
        summed = self.add(
            Kind.REDUCE, part, place, needs, elements=words, role=role, kernel=kernel, at=at
        )
        each = Words(accumulate=step.words // step.elements)
        made = self.elementwise(
            Kernel(step.primitives, each, each), step.elements, part, place, role, at, [summed]
        )
        return self.add(Kind.EXCHANGE, part, place, [made], elements=words, role=role, at=at)

    def exchange(
        self,
        role: Role,
        part: int,
        place: Place,
        words: int,
        needs: Wanted,
        *,
        target: int = 0,
        at: str = "",
        told: Amounts = None,
    ) -> Key:
        """So many ``words`` of each sample from ``part`` to ``target``, or of these only as many as are ``told``."""
        return self.add(
            Kind.EXCHANGE,
            part,
            place,
            needs,
            elements=self.batch * words,
            role=role,
            target=target,
            at=at,
            told=told,
        )

    # What brings data onto the chip.

    def load(self, *, with_target: bool) -> None:
        """Cold-start loads of weights and first batch, and the prefetch of the next batch."""

        def from_dram(role: Role, part: int, words: int, phase: Phase, at: str = "") -> Key:
            place = Place(phase, "data")
            return self.add(Kind.EXCHANGE, part, place, [], role=role, elements=words, at=at)

        copies = (Role.WEIGHTS, Role.MASTER) if self.program.master else (Role.WEIGHTS,)
        borrowing = {part for found in self.cut.users.values() for part, _ in found}
        for role in copies:
            for part, sizes in enumerate(self.cut.parts, start=1):
                if sizes.weighted and not (role is Role.MASTER and part in borrowing):
                    key = from_dram(role, part, sizes.weights, Phase.SETUP)
                    self.note(str(role), part, [key])
        output = self.cut.predictions[-1]
        samples = self.batch * self.program.micro_batches
        for phase in (Phase.START, Phase.SETUP):
            for line in self.cut.readers[INPUT]:
                words = samples * line.before.words
                key = from_dram(Role.INPUT, line.stages[0].part, words, phase, line.at)
                if phase is Phase.SETUP:  # Nobody waits for the next batch.
                    self.note("operand", line.stages[0].part, [key])
            if with_target:
                key = from_dram(Role.TARGET, output.home, samples * output.size, phase)
                if phase is Phase.SETUP:
                    self.note("target", output.home, [key])

    def loaded(self, what: str, of: int) -> Needs:
        """All that brings ``what`` from DRAM, whenever it does."""
        newest = {version.phase: version.keys for version in self.noted.get((what, of), [])}
        return [Need(key, ALL) for keys in newest.values() for key in keys]

    # Forward.

    def product(self, stage: Stage, place: Place, needs: Wanted) -> tuple[Wanted, tuple[Step, ...]]:
        """The products of a part; returns what to need, and the steps that are left to do at its owners."""
        work, part = stage.work, stage.part
        if not work.sizes.weighted:
            wanted = list(needs)
            for each in work.forward:
                wanted = [self._between(each, Kind.PRODUCT_FORWARD, stage, place, wanted)]
            return wanted, stage.after.forward
        wanted = [*self.loaded(str(Role.WEIGHTS), part), Newest("updated", part), *needs]
        again = Role.RECOMPUTED if self.again else None
        done = self.add(Kind.PRODUCT_FORWARD, part, place, wanted, role=again)
        summed = self.add(
            Kind.REDUCE,
            part,
            place,
            [done],
            role=again or Role.PREDICTION,
            elements=self.batch * work.sizes.words_out,
            kernel=COMPLETE_PREDICTION,
        )
        bias = (Piece(work.sizes.words_out, (ADD,)),) if work.bias else ()
        return [summed], (*bias, *stage.after.forward)

    def _between(
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
                left = _kept(left, stage)
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
            bias = (Piece(stage.sizes.words_out, (ADD,)),) if stage.work.bias else ()
            steps += [*bias, *stage.after.forward]
            wanted.append(Newest("product", own.at))
        elif own is not None:
            wanted.append(Newest("branch", own.at))
        for number, line in enumerate(rest):
            wanted.append(Newest("branch", line.at))
            if number or own is not None:
                steps = _added(steps, words)
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
                wanted = [self._statistics(step, home, place, name, wanted)]
            else:
                key = self.elementwise(
                    step.kernel, step.elements, home, place, Role.STATE, name, wanted
                )
                wanted = [key]
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

    # Errors on their way back.

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
            wanted = [self.add(Kind.PRODUCT_BACKWARD, part, place, wanted, product=product)]
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
            wanted = [self._between(each, Kind.PRODUCT_BACKWARD, stage, place, wanted)]
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


def _back(phase: Phase, back: int) -> int:
    """``Need.back`` of what has happened in ``phase``, ``back`` instances ago where that is a step."""
    if phase is Phase.SETUP:
        return ALL  # It has happened once, whoever asks.
    return back if phase is Phase.STEP else 0


def _downwards(stages: Sequence[Stage]) -> Iterator[tuple[Stage, Stage | None]]:
    """Every part from the last one on, with the one before it."""
    for index in range(len(stages) - 1, -1, -1):
        yield stages[index], stages[index - 1] if index else None


def _left_to_pull(line: Line) -> tuple[Step, ...]:
    """What is left to do with an error that a line has brought to the node it reads."""
    return () if line.carries else line.before.pull


def _added(steps: Sequence[Step], words: int) -> list[Step]:
    """``steps`` and the addition of another value; with a multiplication before it that is one instruction."""
    *others, last = steps or [Piece(words, ())]
    if isinstance(last, Piece) and last.elements == words and last.primitives[-1:] == (MULTIPLY,):
        fused_multiply_add = (*last.primitives[:-1], MULTIPLY_ADD)
        return [*others, replace(last, primitives=fused_multiply_add, beside=last.beside + STATE)]
    return [*steps, Piece(words, (ADD,), beside=STATE)]


def _kept(steps: Sequence[Step], stage: Stage) -> tuple[Step, ...]:
    """``steps`` after a part; what the first of them reads is written, too, where its derivative is found from that."""
    if not stage.after.terms or stage.after.terms[0][1].kept is not Kept.READ:
        return tuple(steps)
    at = len(steps) - len(stage.after.forward)
    first = steps[at]
    assert isinstance(first, Piece), "an activation is one piece"
    return (*steps[:at], replace(first, keeps=first.keeps + STATE), *steps[at + 1 :])
