"""A prediction in the chip's numbers: every operator's value is rounded where it is written.

Forward, each operator writes its value as states, but for three: what selects (relu, max_pool, reshapes) gives values
that are rounded already; a fixed factor behind a product is one with it; and the last values of several
branches are added up before they are written. On the way back each operator writes errors, with the same
exceptions. Inside of an operator everything is computed in the carrier, but for the sums and operands of products.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from pcsim.engine.graph.prediction import ByPlace, NodePrediction, TermSequence
from pcsim.engine.kernels.arithmetic import (
    ACTIVITY,
    GRADIENT,
    PREDICTION,
    PULL,
    READ_ERROR,
    STEEP_PULL,
)
from pcsim.engine.operators import OPERATIONS, Operation
from pcsim.engine.operators.rounded_attention import RoundedAttention
from pcsim.engine.operators.rounded_conv2d import RoundedConv2d
from pcsim.engine.operators.rounded_dense import RoundedDense
from pcsim.engine.operators.rounding import Rounding, TermPlace
from pcsim.network import Node, Term
from pcsim.network.operators import Activation, Scale

_ROUNDED = {"dense": RoundedDense, "conv2d": RoundedConv2d, "attention": RoundedAttention}
"""Operators with products of their own in the chip's numbers."""


class TensorAtStep(NamedTuple):
    """Which value an error is behind the activation that its prediction ends with, and of which step."""

    tensor: int
    step: int


class BranchPull(NamedTuple):
    """What one branch brings back to its source."""

    values: np.ndarray
    whole: bool  # whether it is the error itself, by a branch without operators
    written: bool


class Errand:
    """What the lines of one prediction share: the numbers, and what the present error is."""

    def __init__(self, node: Node, rounding: Rounding) -> None:
        self.node, self.rounding = node, rounding
        self.told = TensorAtStep(int(READ_ERROR), 0)


class _Stage:
    """One operator with the factors behind it, and by which numbers its values are written."""

    def __init__(
        self, operation: Operation, term: Term, weights_at: str, place: TermPlace, errand: Errand
    ) -> None:
        self.operation, self.weights_at, self.place, self.errand = (
            operation,
            weights_at,
            place,
            errand,
        )
        self.names = {key.rpartition(".")[2] for key in term.parameters}
        self.product = term.operator.name in _ROUNDED
        self.activation = isinstance(term.operator, Activation)
        self.scale = operation.dtype.type(1)
        self.passes = operation.passes
        if term.operator.name == "max_pool":
            settings = operation.settings
            self.passes = settings.kernel <= settings.stride
        self.into = (int(ACTIVITY), place.site + 5)
        self.back_as = (int(STEEP_PULL), place.site + 5)
        if self.product:
            self.back_as = (int(PULL), place.product - 1)
        self.ends = False  # whether it is an activation that the prediction ends with

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.operation.forward(value)
        if self.scale != 1:
            out *= self.scale
        if not self.operation.selects and np.may_share_memory(out, value):
            out = out.copy()
        return out

    def write(self, value: np.ndarray) -> None:
        self.errand.rounding.state(value, *self.into)

    def pull(self, d: np.ndarray, *, write: bool) -> np.ndarray:
        pulled = self.operation.pull(d)
        if self.scale != 1:
            pulled *= self.scale
        if self.passes or not write:
            return pulled
        if np.may_share_memory(pulled, d):
            pulled = pulled.copy()
        rounding = self.errand.rounding
        if self.ends:
            told = self.errand.told
            rounding.error(pulled, told.tensor, self.errand.node.number, step=told.step)
        else:
            rounding.error(pulled, *self.back_as)
        return pulled

    def gradient(self, d: np.ndarray, gradients: ByPlace) -> None:
        into = gradients[self.weights_at]
        self.operation.gradient(d, into)
        for position, name in enumerate(sorted(self.names)):
            # The sums of a product are in the accumulator's numbers already, but not those of two.
            number = 2 * self.place.products + self.place.site + position
            self.errand.rounding.sums(into[name], int(GRADIENT), number)


class RoundedLine(TermSequence):
    """As ``TermSequence``, its factors taken to the products before them; the last value is left as it is computed."""

    def __init__(
        self,
        terms: Sequence[Term],
        weights: ByPlace,
        samples: int,
        dtype: str,
        errand: Errand,
        *,
        source: int | None,
        ends: bool,
    ) -> None:
        rounding = errand.rounding
        self.stages: list[_Stage] = []
        for term in terms:
            last = self.stages[-1] if self.stages else None
            if isinstance(term.operator, Scale) and last is not None and last.product:
                last.scale = last.scale * np.dtype(dtype).type(term.operator.by)
                continue
            own, place = weights.get(term.weights, {}), rounding.places[term.at]
            rounded = _ROUNDED.get(term.operator.name)
            operation = (
                rounded(term, own, samples, dtype, rounding)
                if rounded
                else OPERATIONS[term.operator.name](term, own, samples, dtype)
            )
            weights_at = term.weights if term.parameters else ""
            self.stages.append(_Stage(operation, term, weights_at, place, errand))
        self.operations = [stage.operation for stage in self.stages]
        self.weights_at = [stage.weights_at for stage in self.stages]
        learning = [position for position, place in enumerate(self.weights_at) if place]
        self.first_learning = learning[0] if learning else len(self.stages)
        pointwise = [stage.activation for stage in self.stages]
        self.leading = pointwise.index(False) if False in pointwise else len(self.stages)
        self.heard = np.empty(0, dtype)
        self.errand, self.written = errand, True
        if not self.stages:
            return
        first, last = self.stages[0], self.stages[-1]
        if first.activation and source is not None:
            first.into = (int(ACTIVITY), source)
        if len(self.stages) > 1 and not first.product and self.stages[1].product:
            first.back_as = (int(STEEP_PULL), self.stages[1].place.product - 1)
        if ends and last.activation:
            last.ends = True
            if len(self.stages) > 1:
                self.stages[-2].into = (int(PREDICTION), errand.node.number)

    def forward(self, value: np.ndarray) -> np.ndarray:
        self.written = True
        self.heard = value
        for position, stage in enumerate(self.stages):
            if not self.written:
                self.stages[position - 1].write(value)
                self.written = True
            if position == self.leading:
                self.heard = value
            value = stage.forward(value)
            self.written = stage.operation.selects
        if self.leading == len(self.stages):
            self.heard = value
        return value

    def back(self, d: np.ndarray) -> np.ndarray:
        for stage in reversed(self.stages):
            d = stage.pull(d, write=True)
        return d

    def bring(self, d: np.ndarray) -> BranchPull:
        """``back``, but a last step by no product is left to whoever adds up, where sums are open."""
        if not self.stages:
            return BranchPull(d, True, True)
        first, is_open = self.stages[0], self.errand.rounding.open_sums
        for stage in self.stages[:0:-1]:
            d = stage.pull(d, write=True)
        write = first.product or not is_open
        return BranchPull(first.pull(d, write=write), False, write or first.passes)

    def learn(self, d: np.ndarray, gradients: ByPlace) -> None:
        for position in range(len(self.stages) - 1, self.first_learning - 1, -1):
            stage = self.stages[position]
            if stage.weights_at:
                stage.gradient(d, gradients)
            if position > self.first_learning:
                d = stage.pull(d, write=True)


class RoundedPrediction(NodePrediction):
    """As ``NodePrediction``; p is rounded, and what stands in ``then`` reads a rounded sum."""

    lines: Sequence[RoundedLine]
    then: RoundedLine

    def __init__(
        self, node: Node, weights: ByPlace, samples: int, dtype: str, rounding: Rounding
    ) -> None:
        self.errand, self.rounding = Errand(node, rounding), rounding
        self.value = np.empty(0, dtype)
        super().__init__(node, weights, samples, dtype)
        line = self.then if node.then else self.lines[0]
        alone = bool(node.then) or len(node.branches) == 1
        self.trailing = alone and bool(line.stages) and line.stages[-1].ends
        self.summed_as = (int(ACTIVITY), rounding.sum_site(node.number))
        if node.then and len(self.then.stages) == 1 and self.trailing:
            self.summed_as = (int(PREDICTION), node.number)

    def lines_of(self, weights: ByPlace, samples: int, dtype: str) -> Sequence[RoundedLine]:
        ends = not self.node.then and len(self.node.branches) == 1
        return [
            RoundedLine(
                each.terms, weights, samples, dtype, self.errand, source=each.source, ends=ends
            )
            for each in self.node.branches
        ]

    def then_of(self, weights: ByPlace, samples: int, dtype: str) -> RoundedLine:
        terms = self.node.then
        return RoundedLine(terms, weights, samples, dtype, self.errand, source=None, ends=True)

    def predict(
        self, values: Sequence[np.ndarray], moved: Collection[int] | None = None
    ) -> np.ndarray:
        branches = self.node.branches
        if moved is not None and self.parts and not any(b.source in moved for b in branches):
            return self.value
        if moved is None or not self.parts:
            moved = {branch.source for branch in branches}
            self.parts = [self.value] * len(branches)
        for position, branch in enumerate(branches):
            if branch.source in moved:
                self.parts[position] = self.lines[position].forward(values[branch.source])
        total, written = self.parts[0], self.lines[0].written
        for part in self.parts[1:]:
            total, written = np.add(total, part, out=self.total[: len(part)]), False
        if self.node.then:
            if not written:
                self.rounding.state(total, *self.summed_as)
            total = self.then.forward(total)
            written = self.then.written
        if not written:
            tensor = self.rounding.trailing if self.trailing else int(PREDICTION)
            self.rounding.state(total, tensor, self.node.number)
        self.value = total
        return total

    def brought(self, source: int, d: np.ndarray) -> Iterator[BranchPull]:
        """As ``pulls``, with how far each part is written."""
        for line, branch in zip(self.lines, self.node.branches, strict=True):
            if branch.source == source:
                yield line.bring(d)
