"""What predicts one node, and how its error goes back: to the values that it reads, and to its parameters.

p = then( sum of branches ). On the way back d is the error behind ``then``'s derivative, and each branch takes d to
its source. Every branch keeps its value, so that only those are computed again whose source has moved; one
that reads the input is computed once a batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from pcsim.engine.operators import OPERATIONS, Operation
from pcsim.network import Node, Term
from pcsim.network.operators import Activation

ByPlace = Mapping[str, Mapping[str, np.ndarray]]
"""Parameters, or their gradients, by the place of their term and by name."""


class TermSequence:
    """Terms one after the other."""

    def __init__(self, terms: Sequence[Term], weights: ByPlace, samples: int, dtype: str) -> None:
        self.operations: list[Operation] = []
        self.weights_at: list[str] = []
        for term in terms:
            own = weights.get(term.weights, {})
            operation = OPERATIONS[term.operator.name](term, own, samples, dtype)
            self.operations.append(operation)
            self.weights_at.append(term.weights if term.parameters else "")
        learning = [position for position, place in enumerate(self.weights_at) if place]
        self.first_learning = learning[0] if learning else len(self.operations)
        pointwise = [isinstance(term.operator, Activation) for term in terms]
        self.leading = pointwise.index(False) if False in pointwise else len(terms)
        self.heard = np.empty(
            0, dtype
        )  # the value behind the activations that the line begins with

    def forward(self, value: np.ndarray) -> np.ndarray:
        for operation in self.operations[: self.leading]:
            value = operation.forward(value)
        self.heard = value
        for operation in self.operations[self.leading :]:
            value = operation.forward(value)
        return value

    def back(self, d: np.ndarray) -> np.ndarray:
        for operation in reversed(self.operations):
            d = operation.pull(d)
        return d

    def learn(self, d: np.ndarray, gradients: ByPlace) -> None:
        """Add the gradients of all terms; what lies before the first that learns is not gone back to."""
        for position in range(len(self.operations) - 1, self.first_learning - 1, -1):
            operation, place = self.operations[position], self.weights_at[position]
            if place:
                operation.gradient(d, gradients[place])
            if position > self.first_learning:
                d = operation.pull(d)


class NodePrediction:
    """The prediction of ``node`` for up to ``samples`` samples; ``weights`` are read at each call."""

    def __init__(self, node: Node, weights: ByPlace, samples: int, dtype: str) -> None:
        self.node = node
        self.lines = self.lines_of(weights, samples, dtype)
        self.then: TermSequence = self.then_of(weights, samples, dtype)
        summed = node.branches[0].gives
        self.total = np.empty((samples, *summed) if len(node.branches) > 1 else 0, dtype)
        self.parts: list[np.ndarray] = []

    def lines_of(self, weights: ByPlace, samples: int, dtype: str) -> Sequence[TermSequence]:
        """A line for each branch."""
        return [TermSequence(each.terms, weights, samples, dtype) for each in self.node.branches]

    def then_of(self, weights: ByPlace, samples: int, dtype: str) -> TermSequence:
        """The line behind their sum."""
        return TermSequence(self.node.then, weights, samples, dtype)

    def predict(
        self, values: Sequence[np.ndarray], moved: Collection[int] | None = None
    ) -> np.ndarray:
        """p from the values of all nodes by number; ``moved`` are those that differ from the last call's, else all."""
        branches = self.node.branches
        if moved is None or not self.parts:
            self.parts = [
                line.forward(values[branch.source])
                for line, branch in zip(self.lines, branches, strict=True)
            ]
        else:
            for position, branch in enumerate(branches):
                if branch.source in moved:
                    self.parts[position] = self.lines[position].forward(values[branch.source])
        total = self.parts[0]
        for part in self.parts[1:]:
            total = np.add(total, part, out=self.total[: len(part)])
        return self.then.forward(total)

    def behind(self, e: np.ndarray) -> np.ndarray:
        """d, what the branches are told of the error e."""
        return self.then.back(e)

    def pulls(self, source: int, d: np.ndarray) -> Iterator[np.ndarray]:
        """What d brings to the node ``source``, by each branch that reads it; not to be written to."""
        for line, branch in zip(self.lines, self.node.branches, strict=True):
            if branch.source == source:
                yield line.back(d)

    def learn(self, e: np.ndarray, gradients: ByPlace) -> None:
        """Add the derivatives of <e, p> by all parameters to ``gradients``, by place and name."""
        if self.then.first_learning < len(self.then.operations):
            self.then.learn(e, gradients)
        if any(line.first_learning < len(line.operations) for line in self.lines):
            d = self.then.back(e)
            for line in self.lines:
                line.learn(d, gradients)
