"""What a graph learns: gradients of everything that a prediction has, and the optimiser's steps.

A gradient is formed on every tile that holds a share of the batch, added up, and stepped once; what is new goes to all
that use it. Weights that several parts share are stepped at the part that owns them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pcsim.program.kernels import ADD, ADD_PARTIAL_SUMS, update_kernel
from pcsim.program.operators.work import ERROR, NOTHING, Piece
from pcsim.program.ops import ALL, Key, Kind, Need, Phase, Place, Role
from pcsim.program.parts import Run, Stage, parameter
from pcsim.program.script import Newest, Wanted, updated
from pcsim.program.writer import Writer


class _Formed(NamedTuple):
    """A gradient of ``parameters`` in ``part``, there after ``needs``."""

    part: int
    parameters: int
    needs: tuple[Key, ...]
    at: str


class Learning:
    """Writes what is learnt into a program. Its life: ``learn`` for each node, then ``update_shared`` once all have.

    ``updating`` is when the optimiser steps what has no time of its own; unless given, once, at the end of an update.
    """

    def __init__(self, writer: Writer, *, updating: Place | None = None) -> None:
        self.writer = writer
        # Units take their work instance by instance, so what waits for all micro-batches must not stand before the
        # last of them.
        last = writer.program.micro_batches
        self.updating = updating or Place(Phase.FINISH, "update", last, last)
        self.once = self.updating
        self.formed: dict[tuple[str, Role | None], list[_Formed]] = {}
        """Gradients of what several parts use, by its place."""

    def learn(self, node: int, place: Place, *, back: int, updating: Place | None = None) -> None:
        """Gradients of everything that the prediction of ``node`` learns, and the updates of what is its own."""
        self.once = updating or self.updating
        prediction = self.writer.cut[node]
        for line in prediction.lines:
            if line.before.learns:
                home = self.writer.cut[line.source].home
                self._learn_run(line.before, home, place, [Newest("arrived", line.at, back)])
            for stage in line.stages:
                self._learn_stage(stage, place, back=back)
        joined = "summed" if prediction.stages else "error"
        self._learn_run(prediction.then, prediction.join, place, [Newest(joined, node, back)])
        for stage in prediction.stages:
            self._learn_stage(stage, place, back=back)

    def _learn_stage(self, stage: Stage, place: Place, *, back: int) -> None:
        part, sizes = stage.part, stage.sizes
        shared = Newest("shared", part, back)
        if sizes.weighted:
            operand = Newest("operand", part, back)
            formed = self.writer.add(Kind.WEIGHT_GRADIENT, part, place, [shared, operand])
            self.writer.note("gradient", part, [formed])
            self._update(None, part, sizes.weights, [formed], stage.at, stage.weights)
            if stage.work.bias:
                summed = Piece(sizes.words_out, (ADD,), ERROR, NOTHING)
                bias = self.writer.elementwise(
                    summed.kernel, summed.elements, part, place, Role.BIAS, "", [shared]
                )
                self._update(Role.BIAS, part, sizes.n_out, [bias], stage.at, stage.weights)
        self._learn_run(stage.after, part, place, [shared])

    def _learn_run(self, run: Run, part: int, place: Place, needs: Wanted) -> None:
        for term, work in run.terms:
            if not work.parameters:
                continue
            formed = self.writer.work(work.gradient, part, place, Role.GAIN, term.at, needs)
            self._update(Role.GAIN, part, work.parameters, formed, term.at, term.weights)

    def _update(
        self,
        role: Role | None,
        part: int,
        parameters: int,
        needs: Wanted,
        at: str,
        weights: str,
    ) -> None:
        """Step what is learnt at ``at``, or leave its gradient to the part whose ``weights`` these are."""
        formed = _Formed(
            part, parameters, tuple(need for need in needs if isinstance(need, Key)), at
        )
        if weights in self.writer.cut.users:
            self.formed.setdefault((weights, role), []).append(formed)
        else:
            once = self.once
            self._step(
                role, part, parameters, [self._added_up(formed, role, once)], at, weights, once
            )

    def _added_up(self, formed: _Formed, role: Role | None, once: Place) -> Key:
        """The gradient of all micro-batches, from the shares of the batch."""
        back = ALL if once.phase is Phase.FINISH else 0
        return self.writer.add(
            Kind.REDUCE,
            formed.part,
            once,
            [Need(need, back) for need in formed.needs],
            elements=formed.parameters,
            role=role or Role.GRADIENT,
            kernel=ADD_PARTIAL_SUMS,
            at=formed.at if role is Role.GAIN else "",
        )

    def _step(
        self,
        role: Role | None,
        part: int,
        parameters: int,
        gradient: Wanted,
        at: str,
        weights: str,
        once: Place,
    ) -> Key:
        """The optimiser's step of a part, and what is new to the other shares of the batch."""
        # What learns at a time of its own is not read after that.
        learnt = (parameter(weights, role),) if once is self.updating else ()
        assert self.writer.program.optimiser is not None, "an update has an optimiser"
        masters = self.writer.loaded(str(Role.MASTER), part) if role is None else []
        named = at if role is Role.GAIN else ""
        done = self.writer.add(
            Kind.UPDATE,
            part,
            once,
            [*gradient, *masters],
            elements=parameters,
            role=role,
            kernel=update_kernel(self.writer.program.optimiser, master=self.writer.program.master),
            at=named,
            learnt=learnt,
        )
        copied = self.writer.add(
            Kind.EXCHANGE,
            part,
            once,
            [done],
            elements=parameters,
            role=role or Role.COPIED,
            at=named,
            learnt=learnt,
        )
        self._is_new(learnt, part, copied)
        return done

    def _is_new(self, learnt: Sequence[str], part: int, arrived: Key) -> None:
        """What reads these parameters in the same loop waits; at the end of an update all has been read before."""
        if self.updating.phase is not Phase.STEP:
            return
        for newest in updated(learnt, part):
            self.writer.note(newest.what, newest.of, [arrived])

    def update_shared(self) -> None:
        """Step what several parts use, once all have formed their gradients."""
        for (weights, role), formed in self.formed.items():
            self._update_shared(weights, role, formed)
        self.formed.clear()

    def _update_shared(self, weights: str, role: Role | None, formed: Sequence[_Formed]) -> None:
        """Gradients of all parts that use ``weights`` are added up where these are at home, stepped there once, and
        what is new goes to all that use it, whether they have learnt or not."""
        home, once = self.writer.cut.homes[weights], self.updating
        carried = Role.GRADIENT if role is None else Role.UNIT_GRADIENT
        parameters = formed[0].parameters
        total: list[Key] = []
        for each in formed:
            key = self._added_up(each, role, once)
            if each.at != weights:
                key = self.writer.add(
                    Kind.EXCHANGE,
                    each.part,
                    once,
                    [key],
                    elements=parameters,
                    role=carried,
                    target=home,
                    at=each.at,
                )
            if total:
                key = self.writer.add(
                    Kind.ELEMENTWISE,
                    home,
                    once,
                    [*total, key],
                    elements=parameters,
                    role=carried,
                    kernel=ADD_PARTIAL_SUMS,
                    at=each.at,
                )
            total = [key]
        done = self._step(role, home, parameters, total, weights, weights, once)
        learnt = (parameter(weights, role),)
        for part, at in self.writer.cut.users[weights]:
            copied = self.writer.add(
                Kind.EXCHANGE,
                home,
                once,
                [done],
                elements=parameters,
                role=role or Role.COPIED,
                target=part,
                at=at,
                learnt=learnt,
            )
            self._is_new(learnt, part, copied)
