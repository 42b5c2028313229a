"""A batch of a graph on its way: forward through all predictions, and errors back. What every rule begins from.

A rule whose states or errors move is a ``GraphRelaxer``; one of a single pass forward and back needs no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pcsim.engine.graph.losses import target_energy, target_error
from pcsim.engine.graph.model import GraphNetwork, by_place
from pcsim.engine.graph.prediction import ByPlace, NodePrediction
from pcsim.engine.graph.rounded_prediction import RoundedPrediction, TensorAtStep
from pcsim.engine.kernels.arithmetic import ERROR, ERROR_BELOW, READ_ERROR, READ_ERROR_BELOW
from pcsim.engine.kernels.losses import half_square
from pcsim.engine.operators.rounding import Rounding


class GraphPasses:
    """Room for up to ``samples`` samples of a graph, whose ``weights`` (by key) may change in place.

    Of each batch: ``start_backpropagation``, then ``learn``; or ``outputs`` alone. ``z``, ``p`` and ``e`` are by node
    number, of the batch at hand: values, predictions and errors.
    """

    learns_along = False
    """Whether the weights learn while the states move, so that an error is told as it was written."""

    def __init__(
        self,
        network: GraphNetwork,
        weights: Mapping[str, np.ndarray],
        samples: int,
        rounding: Rounding | None = None,
    ) -> None:
        graph, dtype = network.graph, network.dtype
        self.network, self.graph, self.samples = network, graph, samples
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
        self._e, self._total = self.room(), self.room()
        self._y = np.empty((samples, *graph.output.shape), dtype)
        self.z: list[np.ndarray] = []
        self.e: list[np.ndarray] = []
        self.p: list[np.ndarray] = []
        self.y = self._y
        self.read: list[np.ndarray] = []
        self.hidden = tuple(node.number for node in graph.hidden)
        self.everyone = range(1, self.output + 1)
        self.alive: set[int] = set()  # the nodes whose errors can differ from zero

    def room(self) -> list[np.ndarray]:
        """An array for each node, by number, with an empty one for the input."""
        dtype = self.network.dtype
        found = (np.empty((self.samples, *node.shape), dtype) for node in self.graph.nodes)
        return [np.empty(0, dtype), *found]

    # --- From the input up -------------------------------------------------------------------------------------

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """The feed-forward pass of (n, *input): (n, *output), good until the next call."""
        return self._forward(x)[-1]

    def _forward(self, x: np.ndarray) -> list[np.ndarray]:
        values = [x]
        for prediction in self.predictions:
            values.append(prediction.predict(values))
        return values

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
            below = tensor == ERROR_BELOW and not self.learns_along
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
