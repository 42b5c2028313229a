"""The states of one batch in motion: every hidden z follows - e + what its readers' errors bring back to it.

F = sum over hidden nodes 1/2 |z - p|^2 + loss(y, p_output), of each sample by itself, so that no step is divided
by the batch. Here predictions and
slopes are those of the present states (pc), or the weights step along with the states, each time from the same state
(ipc). Other rules are in files of their own; ``relaxers.py`` names them all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from pcsim.engine.graph.model import GraphNetwork
from pcsim.engine.graph.order import movers, touched
from pcsim.engine.graph.passes import GraphPasses
from pcsim.engine.graph.steps import (
    adapt,
    descend,
    descend_alone,
    follow,
    gather,
    gather_both,
    roll,
)
from pcsim.engine.kernels.arithmetic import (
    ERROR,
    ERROR_BELOW,
    STATE,
    STATE_FIRST,
    STATE_SECOND,
    TARGET,
)
from pcsim.engine.operators.rounding import Rounding
from pcsim.engine.relaxation import Relaxation
from pcsim.network.credit import groups


class GraphRelaxer(GraphPasses):
    """As ``GraphPasses``, of states that relax by ``relaxation``: pc, and ipc, whose weights step in between.

    Of each batch: ``start``, then ``relax`` as often as wanted, then ``learn``.
    """

    open_sums = False
    """In the chip's numbers: whether sums of what readers bring are written before they are used."""
    waits = True
    """Whether nodes that errors have not reached are left out, where the relaxation has a wavefront."""

    def __init__(
        self,
        network: GraphNetwork,
        weights: Mapping[str, np.ndarray],
        relaxation: Relaxation,
        samples: int,
        rounding: Rounding | None = None,
    ) -> None:
        super().__init__(network, weights, samples, rounding)
        self.relaxation = relaxation
        nothing = np.empty(0, network.dtype)
        # By node number, with an entry for the input; below, views of them for the batch at hand.
        self._z = self.room()
        self._fixed = self._z
        moments = relaxation.descent != "gd"
        self._first = self.room() if moments else [nothing]
        self._second = self.room() if relaxation.descent == "adam" else [nothing]
        self._slope = self.room() if rounding is not None else [nothing]
        self.groups = groups(self.graph, relaxation.order)
        self.done = 0

    def start(self, x: np.ndarray, y: np.ndarray, *, beta: float | None = None) -> None:
        """The batch x (n, *input), y (n, *output) at its feed-forward state; ``beta`` nudges.

        x is kept, not copied.
        """
        count = len(x)
        self._set_step(0, open_sums=self.open_sums)
        self._take(x, y)
        self.z = [x, *(z[:count] for z in self._z[1:])]
        self.read = self.z if self._fixed is self._z else [x, *(z[:count] for z in self._fixed[1:])]
        self.p = [x]
        for prediction in self.predictions:
            number = prediction.node.number
            p = prediction.predict(self.read)
            self.p.append(p)
            self.z[number][:] = p
            if self.read is not self.z:
                self.read[number][:] = p
            if number != self.output:
                self.e[number].fill(0.0)
        if beta is not None:
            out = self.p[self.output]
            np.subtract(out, out.dtype.type(beta) * (out - self.y), out=self.y)
            if self.rounding is not None:
                self.rounding.state(self.y, int(TARGET), self.output)
        self._meet_target()
        for moments in (self._first, self._second):
            for each in moments:
                each.fill(0.0)
        front = self.relaxation.wavefront and self.waits
        self.alive = {self.output} if front else set(self.everyone)
        self.done = 0

    # --- In motion ---------------------------------------------------------------------------------------------

    def relax(self, *, steps: int) -> int:
        """Up to ``steps`` further steps; returns how many were made before the batch settled."""
        tolerance = self.relaxation.tolerance
        energy = self.total_energy() if tolerance > 0 else 0.0
        for made in range(1, steps + 1):
            self._set_step(self.done + 1)
            self.move_once()
            self.done += 1
            if tolerance > 0:
                before, energy = energy, self.total_energy()
                if not before - energy > tolerance * before:
                    return made
        return steps

    def move_once(self) -> None:
        """One step: group after group."""
        for group in self.groups:
            self._step(group)

    def move_together(self) -> None:
        """ipc: a jacobi step of all states; predictions and errors are left to ``predict_again``."""
        self._set_step(self.done + 1)
        self._move(self.hidden)
        self.done += 1

    def predict_again(self) -> None:
        """Predictions and errors of the present states by the present weights."""
        for prediction in self.predictions:
            self.p[prediction.node.number] = prediction.predict(self.read)
        self._find_errors(self.everyone, moved=())

    def _step(self, group: Iterable[int]) -> None:
        """Move the nodes of a group at once, and bring predictions and errors up to date."""
        moved = movers(self.graph, group, self.alive)
        self._move(moved)
        for number in sorted({child for each in moved for child in self.graph.children[each]}):
            self.p[number] = self.predictions[number - 1].predict(self.read, moved)
        changed = touched(self.graph, moved)
        self._find_errors(changed, moved=moved)
        self.alive |= changed

    def _find_errors(self, numbers: Iterable[int], *, moved: Collection[int]) -> None:
        for number in numbers:
            if number == self.output:
                self._meet_target()
            else:
                np.subtract(self.z[number], self.p[number], out=self.e[number])
                self._written(number, int(ERROR if number in moved else ERROR_BELOW))

    def _told(self, moved: Iterable[int]) -> dict[int, np.ndarray]:
        """What those readers of ``moved`` tell their branches whose errors can differ from zero."""
        tellers = {child for each in moved for child in self.graph.children[each]} & self.alive
        return {each: self.predictions[each - 1].behind(self.e[each]) for each in tellers}

    def _move(self, moved: Iterable[int]) -> None:
        """One step of the values of these nodes alone, from the present errors."""
        how = self.relaxation
        descent = how.descent
        rate = float(how.rate)
        told = self._told(moved)
        for number in moved:
            if self.rounding is not None:
                self._move_rounded(self.rounding, number, told, descent)
                continue
            pulled = self._pull(number, told)
            e, z = self.e[number].reshape(-1), self.z[number].reshape(-1)
            if pulled is None and descent == "gd":
                descend_alone(rate, e, z)
                continue
            if pulled is None:
                pulled = self._total[number][: len(self.y)]
                pulled.fill(0.0)
            pull = pulled.reshape(-1)
            if descent == "gd":
                descend(rate, e, pull, z)
            elif descent == "momentum":
                roll(rate, float(how.momentum), e, pull, self._first[number].reshape(-1), z)
            else:
                first, second = self._first[number].reshape(-1), self._second[number].reshape(-1)
                adapt(rate, self.done + 1, e, pull, first, second, z)

    def _move_rounded(
        self, rounding: Rounding, number: int, told: Mapping[int, np.ndarray], descent: str
    ) -> None:
        """One step of one node's values; moments and values are rounded, what lies between is not."""
        how, rate = self.relaxation, float(self.relaxation.rate)
        pulled, whole = self._pull_rounded(number, told, int(ERROR), apart=True)
        slope, z = self._slope[number][: len(self.y)], self.z[number]
        np.copyto(slope, self.e[number])
        for each in whole:
            slope -= each
        flat, values = slope.reshape(-1), z.reshape(-1)
        if descent == "gd":
            if pulled is None:
                descend_alone(rate, flat, values)
            else:
                descend(rate, flat, pulled.reshape(-1), values)
        else:
            if pulled is not None:
                slope -= pulled
            first = self._first[number][: len(self.y)]
            if descent == "momentum":
                gather(float(how.momentum), flat, first.reshape(-1))
                rounding.moments(first, int(STATE_FIRST), number)
                descend_alone(rate, first.reshape(-1), values)
            else:
                second = self._second[number][: len(self.y)]
                gather_both(flat, first.reshape(-1), second.reshape(-1))
                rounding.moments(first, int(STATE_FIRST), number)
                rounding.moments(second, int(STATE_SECOND), number)
                follow(rate, self.done + 1, first.reshape(-1), second.reshape(-1), values)
        rounding.state(z, int(STATE), number)

    def slopes(self) -> list[np.ndarray]:
        """The derivatives of F by all hidden states as they are now, node after node."""
        self.predict_again()
        told = self._told(self.hidden)
        found = []
        for number in self.hidden:
            pulled = self._pull(number, told)
            found.append(self.e[number] - (0.0 if pulled is None else pulled))
        return found


class AlongRelaxer(GraphRelaxer):
    """ipc: states whose weights step along with them."""

    learns_along, waits = True, False
