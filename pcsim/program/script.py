"""How a program is written down: operations, and what they give, noted under names.

What an operation gives is noted under a name (the operand of a part, a node's error, ...), so that others can need
its newest instance: that of a step, or where it has not run yet, that of the start. Operations of a step may need
some that come later in the program, of the step before; such needs are filled in at the end.

Where a step is a sequence of moves, a value changes several times in it, and what is newest follows from the order in
which the program is written: what stands before is of this step, what stands behind of the step before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from pcsim.network import INPUT
from pcsim.program.builder import ProgramBuilder
from pcsim.program.kernels import ADD, Kernel
from pcsim.program.loop import Loop
from pcsim.program.messages import Told
from pcsim.program.operators.work import Piece, Statistics, Step, fused
from pcsim.program.ops import ALL, Key, Kind, Need, Phase, Place, Program, Role
from pcsim.program.parts import Cut
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


def updated(learnt: Iterable[str], part: int) -> list[Newest]:
    """What brings the newest of parameters to ``part``, where they learn."""
    return [Newest("updated", f"{name} of part {part}") for name in learnt]


class Script:
    """One program as it is written. Its life: operations are added and noted one after the other, then ``build``."""

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
            cut.parts,
            batch,
            optimiser=optimiser,
            master=master,
            micro_batches=micro_batches,
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
        self._leave_out_places()
        return self.program.build(rule, steps=steps, credited=credited)

    def _leave_out_places(self) -> None:
        """An operation that is the only one of its kind in a part needs no place to be known by."""
        ops = self.program.ops
        bare = {op.key: op.key._replace(at="") for op in ops}
        only = {key for key, count in Counter(bare.values()).items() if count == 1}
        known = {key: short if short in only else key for key, short in bare.items()}
        for index, op in enumerate(ops):
            needs = tuple(replace(need, op=known[need.op]) for need in op.needs)
            ops[index] = replace(op, at=known[op.key].at, needs=needs)

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
                wanted = [self.statistics(step, part, place, at, wanted)]
                continue
            wanted = [self.piece(step, part, place, role, at, wanted)]
        return wanted

    def piece(
        self, piece: Piece, part: int, place: Place, role: Role, at: str, needs: Wanted
    ) -> Key:
        """One ``piece`` of work on each sample, with the newest of the parameters that it reads."""
        wanted = [*needs, *updated(piece.learnt, part)]
        return self.elementwise(
            piece.kernel, piece.elements, part, place, role, at, wanted, learnt=piece.learnt
        )

    def elementwise(
        self,
        kernel: Kernel,
        elements: int,
        part: int,
        place: Place,
        role: Role,
        at: str,
        needs: Wanted,
        learnt: tuple[str, ...] = (),
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
            learnt=learnt,
        )

    def statistics(self, step: Statistics, part: int, place: Place, at: str, needs: Wanted) -> Key:
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


def _back(phase: Phase, back: int) -> int:
    """``Need.back`` of what has happened in ``phase``, ``back`` instances ago where that is a step."""
    if phase is Phase.SETUP:
        return ALL  # It has happened once, whoever asks.
    return back if phase is Phase.STEP else 0
