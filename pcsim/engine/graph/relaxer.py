"""The states of one batch in motion: every hidden z follows - e + what its readers' errors bring back to it.

F = sum over hidden nodes 1/2 |z - p|^2 + loss(y, p_output), of each sample by itself, so that no step is divided
by the batch. The variants, as of chains:

- pc: predictions and slopes are those of the present states.
- fpa, z_il: predictions and slopes stay what the feed-forward pass made them. z_il moves in step t the nodes whose
  longest way to the output has t edges (Song et al. 2020; on graphs Salvatori et al. 2021, arXiv 2103.04689): what
  they are told is final then, and with rate 1 the errors are backpropagation's.
- epc: the errors are free, z = p + e follows, and e moves along e - g, where g is what backpropagation brings.
- ipc: pc whose weights step along with the states, each time from the same state (``move_together``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from pcsim.engine.graph.losses import target_energy, target_error
from pcsim.engine.graph.model import GraphNetwork, by_place
from pcsim.engine.graph.order import levels, movers, touched
from pcsim.engine.graph.prediction import ByPlace, NodePrediction
from pcsim.engine.graph.rounded_prediction import RoundedPrediction, TensorAtStep
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
    READ_ERROR,
    READ_ERROR_BELOW,
    READ_PULL,
    STATE,
    STATE_FIRST,
    STATE_SECOND,
    STEEP_PULL,
    TARGET,
)
from pcsim.engine.kernels.losses import half_square
from pcsim.engine.operators.rounding import Rounding
from pcsim.engine.relaxation import Relaxation
from pcsim.network.credit import groups


class GraphRelaxer:
    """Room for up to ``samples`` samples of a graph, whose ``weights`` (by key) may change in place.

    Of each batch: ``start``, then ``relax`` as often as wanted, then ``learn``; or ``start_backpropagation``, then
    ``learn``; or ``outputs`` alone.
    """

    def __init__(
        self,
        network: GraphNetwork,
        weights: Mapping[str, np.ndarray],
        relaxation: Relaxation,
        samples: int,
        rounding: Rounding | None = None,
    ) -> None:
        graph, dtype = network.graph, network.dtype
        self.network, self.graph, self.relaxation, self.samples = (
            network,
            graph,
            relaxation,
            samples,
        )
        self.output = graph.output.number
        self.cross_entropy = network.loss == "cross_entropy"
        self.rounding = rounding
        self.rounded: list[RoundedPrediction] = []
        self.predictions: Sequence[NodePrediction]
        if rounding is None:
            self.predictions = [
                NodePrediction(node, by_place(weights), samples, dtype) for node in graph.nodes
            ]
        else:
            self.predictions = self.rounded = [
                RoundedPrediction(node, by_place(weights), samples, dtype, rounding)
                for node in graph.nodes
            ]
        nothing = np.empty(0, dtype)

        def room() -> list[np.ndarray]:
            return [nothing, *(np.empty((samples, *node.shape), dtype) for node in graph.nodes)]

        # By node number, with an entry for the input; below, views of them for the batch at hand.
        self._z, self._e, self._total = room(), room(), room()
        still = relaxation.variant in ("fpa", "z_il")
        self._fixed = room() if still else self._z
        moments = relaxation.variant == "pc" and relaxation.descent != "gd"
        self._first = room() if moments else [nothing]
        self._second = room() if moments and relaxation.descent == "adam" else [nothing]
        self._slope = room() if rounding is not None else [nothing]
        self._y = np.empty((samples, *graph.output.shape), dtype)
        self.z: list[np.ndarray] = []
        self.e: list[np.ndarray] = []
        self.p: list[np.ndarray] = []
        self.y = self._y
        self.read: list[np.ndarray] = []
        self.hidden = tuple(node.number for node in graph.hidden)
        self.groups = groups(graph, relaxation.order)
        self.levels = levels(graph)
        self.everyone = range(1, self.output + 1)
        self.alive: set[int] = set()  # the nodes whose errors can differ from zero
        self.done = 0

    # --- From the input up -------------------------------------------------------------------------------------

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """The feed-forward pass of (n, *input): (n, *output), good until the next call."""
        return self._forward(x)[-1]

    def _forward(self, x: np.ndarray) -> list[np.ndarray]:
        values = [x]
        for prediction in self.predictions:
            values.append(prediction.predict(values))
        return values

    def start(self, x: np.ndarray, y: np.ndarray, *, beta: float | None = None) -> None:
        """The batch x (n, *input), y (n, *output) at its feed-forward state; ``beta`` nudges.

        x is kept, not copied.
        """
        count = len(x)
        self._set_step(0, open_sums=self.relaxation.variant == "epc")
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
        front = self.relaxation.wavefront and self.relaxation.variant not in ("ipc", "epc")
        self.alive = {self.output} if front else set(self.everyone)
        self.done = 0

    def start_backpropagation(self, x: np.ndarray, y: np.ndarray) -> None:
        """A forward pass, and in ``e`` minus the loss's derivative by every node's value."""
        self._set_step(0, open_sums=True)
        self._take(x, y)
        self.z = self.read = self.p = self._forward(x)
        self.alive = set(self.everyone)
        self._meet_target()
        for prediction in self.rounded:
            prediction.errand.told = TensorAtStep(int(ERROR), 0)
        self.bring_back(self.e)

    def _take(self, x: np.ndarray, y: np.ndarray) -> None:
        count = len(x)
        self.e = [e[:count] for e in self._e]
        self.y = self._y[:count]
        self.y[:] = y

    def _set_step(self, step: int, *, open_sums: bool | None = None) -> None:
        """The inference step to which the random numbers of what follows belong."""
        if self.rounding is not None:
            self.rounding.step = step
            if open_sums is not None:
                self.rounding.open_sums = open_sums

    def _written(self, number: int, tensor: int = int(ERROR)) -> None:
        """An error is complete; that of the node itself, or by what it reads."""
        if self.rounding is not None:
            self.rounding.error(self.e[number], tensor, number)
            below = tensor == ERROR_BELOW and self.relaxation.variant != "ipc"
            told = READ_ERROR_BELOW if below else READ_ERROR
            self.rounded[number - 1].errand.told = TensorAtStep(int(told), self.rounding.step)

    def _meet_target(self) -> None:
        """The error of the output from its prediction."""
        units = self.graph.output.shape[-1]
        target_error(
            self.cross_entropy,
            self.y.reshape(-1, units),
            self.p[self.output].reshape(-1, units),
            self.e[self.output].reshape(-1, units),
        )
        self._written(self.output)

    # --- Back down ---------------------------------------------------------------------------------------------

    def _pull(self, number: int, told: Mapping[int, np.ndarray]) -> np.ndarray | None:
        """What the readers of a node bring to it, ``told`` by number what they tell their branches."""
        if self.rounding is not None:
            return self._pull_rounded(number, told, int(ERROR))[0]
        total: np.ndarray | None = None
        room = self._total[number][: len(self.y)]
        for child in self.graph.children[number]:
            if child in told:
                for part in self.predictions[child - 1].pulls(number, told[child]):
                    total = part if total is None else np.add(total, part, out=room)
        return total

    def _pull_rounded(
        self, number: int, told: Mapping[int, np.ndarray], tensor: int, *, apart: bool = False
    ) -> tuple[np.ndarray | None, list[np.ndarray]]:
        """``_pull``, and where these are kept ``apart`` the errors themselves that come by branches without operators.

        Where sums are open they are written, as ``tensor``.
        """
        assert self.rounding is not None
        total: np.ndarray | None = None
        room, written, whole = self._total[number][: len(self.y)], True, []
        for child in self.graph.children[number]:
            if child in told:
                for part in self.rounded[child - 1].brought(number, told[child]):
                    if part.whole and apart:
                        whole.append(part.values)
                    elif total is None:
                        total, written = part.values, part.written
                    else:
                        total, written = np.add(total, part.values, out=room), False
        if self.rounding.open_sums and total is not None and not written:
            self.rounding.error(total, tensor, number)
        return total, whole

    def bring_back(self, into: list[np.ndarray]) -> None:
        """Minus the loss's derivative by every value, through the present slopes; the output's is there already."""
        told = {self.output: self.predictions[self.output - 1].behind(into[self.output])}
        for node in reversed(self.graph.hidden):
            number = node.number
            pulled = self._pull(number, told)
            assert pulled is not None  # Every hidden node is read.
            into[number][:] = pulled
            told[number] = self.predictions[number - 1].behind(into[number])

    # --- In motion ---------------------------------------------------------------------------------------------

    def relax(self, *, steps: int) -> int:
        """Up to ``steps`` further steps; returns how many were made before the batch settled."""
        variant, tolerance = self.relaxation.variant, self.relaxation.tolerance
        energy = self.total_energy() if tolerance > 0 else 0.0
        for made in range(1, steps + 1):
            self._set_step(self.done + 1)
            if variant == "epc":
                self._step_errors()
            elif variant in ("fpa", "z_il"):
                self._step_fixed()
            else:
                for group in self.groups:
                    self._step(group)
            self.done += 1
            if tolerance > 0:
                before, energy = energy, self.total_energy()
                if not before - energy > tolerance * before:
                    return made
        return steps

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
        descent = how.descent if how.variant == "pc" else "gd"
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

    def _step_fixed(self) -> None:
        """fpa and z_il: values and their errors move; predictions, and what operators keep, do not."""
        if self.relaxation.variant == "z_il":
            moved = tuple(n for n in self.hidden if self.levels[n] == self.done + 1)
        else:
            moved = movers(self.graph, self.hidden, self.alive)
        self._move(moved)
        for number in moved:
            np.subtract(self.z[number], self.p[number], out=self.e[number])
            self._written(number)
        self.alive |= set(moved)

    def _step_errors(self) -> None:
        """epc: a backward pass that moves the errors, and a forward pass that the values follow."""
        rate = float(self.relaxation.rate)
        told = {self.output: self.predictions[self.output - 1].behind(self.e[self.output])}
        for node in reversed(self.graph.hidden):
            number = node.number
            if self.rounding is None:
                pulled = self._pull(number, told)
            else:
                pulled, _ = self._pull_rounded(number, told, int(STEEP_PULL))
                self.rounded[number - 1].errand.told = TensorAtStep(
                    int(READ_PULL), self.rounding.step
                )
            assert pulled is not None  # Every hidden node is read.
            told[number] = self.predictions[number - 1].behind(pulled)
            e = self.e[number].reshape(-1)
            descend(rate, e, pulled.reshape(-1), e)
        self.follow_errors()

    def follow_errors(self) -> None:
        """z = p + e of all hidden nodes, in order, and the output's error."""
        moved: set[int] = set()
        for prediction in self.predictions:
            number = prediction.node.number
            self.p[number] = prediction.predict(self.read, moved)
            if number != self.output:
                if self.rounding is not None:
                    self._written(number)
                np.add(self.p[number], self.e[number], out=self.z[number])
                if self.rounding is not None:
                    self.rounding.state(self.z[number], int(STATE), number)
                moved.add(number)
        self._meet_target()

    def slopes(self) -> list[np.ndarray]:
        """The derivatives of F by all hidden states as they are now, node after node."""
        self.predict_again()
        told = self._told(self.hidden)
        found = []
        for number in self.hidden:
            pulled = self._pull(number, told)
            found.append(self.e[number] - (0.0 if pulled is None else pulled))
        return found

    # --- What came of it ---------------------------------------------------------------------------------------

    def learn(self, gradients: ByPlace) -> None:
        """Add minus the derivative of F by every parameter, summed over the samples, to ``gradients``."""
        for prediction in self.predictions:
            if prediction.node.number in self.alive:
                prediction.learn(self.e[prediction.node.number], gradients)

    def energies(self) -> list[float]:
        """F by node, summed over the samples, in float64."""
        shares = [float(half_square(e.reshape(-1))) for e in self.e[1 : self.output]]
        units = self.graph.output.shape[-1]
        out, y = self.p[self.output].reshape(-1, units), self.y.reshape(-1, units)
        return [*shares, float(target_energy(self.cross_entropy, y, out))]

    def total_energy(self) -> float:
        return sum(self.energies())

    def loss(self) -> float:
        """The last entry of ``energies``."""
        units = self.graph.output.shape[-1]
        out, y = self.p[self.output].reshape(-1, units), self.y.reshape(-1, units)
        return float(target_energy(self.cross_entropy, y, out))

    def heard(self, number: int) -> np.ndarray:
        """What products read of a node: its value behind the activations that its first reader begins with.

        Of the output, its prediction.
        """
        if number == self.output:
            return self.p[number]
        reader = self.predictions[self.graph.children[number][0] - 1]
        sources = [branch.source for branch in reader.node.branches]
        return reader.lines[sources.index(number)].heard
