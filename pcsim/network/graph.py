"""Which values does a network have, and what predicts each of them?

A **node** is one value of predictive coding: a state z with its error e = z - p. Its prediction p is the sum of its
**branches**; each starts at another node, or at the input, and applies one operator after the other; what
stands in ``then`` is applied to the sum. A **term** is one such operator at its place.

    p_n = then( sum over branches of term_k( ... term_1(z_source) ) )

The input is node 0; nodes are numbered from 1 in an order in which every node comes after those that it reads,
and the last one is the output, which is clamped to the target. A chain of dense layers is a graph whose node l is
its layer l.

Left out: cycles (a recurrent network is a graph once it is unrolled over its steps, with shared weights), and
branches that multiply one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pcsim.network.operators import Dense, Operator, Shape, size
from pcsim.network.operators.pointwise import Activation

INPUT = 0
"""The number of the input."""


@dataclass(frozen=True)
class Term:
    """One operator at its place, with the shapes that it reads and gives.

    ``at`` is its place, ``z1.0.2``: node, branch and position, or ``z1.then.0``. ``weights`` is the place whose
    parameters it uses, another one where they are shared.
    """

    operator: Operator
    at: str
    reads: Shape
    gives: Shape
    weights: str

    @property
    def parameters(self) -> dict[str, Shape]:
        """By key, ``z1.0.2.weight``."""
        found = self.operator.parameters(self.reads)
        return {f"{self.weights}.{name}": shape for name, shape in found.items()}

    @property
    def owns(self) -> bool:
        """Whether its parameters are its own and not those of another term."""
        return self.weights == self.at


@dataclass(frozen=True)
class Branch:
    """A straight line of terms from the value of node ``source``; without terms that value itself is added."""

    source: int
    terms: tuple[Term, ...]
    gives: Shape


@dataclass(frozen=True)
class Node:
    """One value, of ``shape`` a sample, and what predicts it."""

    number: int
    name: str
    branches: tuple[Branch, ...]
    then: tuple[Term, ...]
    shape: Shape

    @property
    def terms(self) -> Iterator[Term]:
        """Branch after branch, then what is applied to their sum."""
        for branch in self.branches:
            yield from branch.terms
        yield from self.then

    @property
    def size(self) -> int:
        """Values of one sample."""
        return size(self.shape)


@dataclass(frozen=True)
class Graph:
    """A whole network: the shape of one input, and its nodes in order."""

    input: Shape
    nodes: tuple[Node, ...]

    @property
    def output(self) -> Node:
        return self.nodes[-1]

    @property
    def widths(self) -> tuple[int, ...]:
        """Values of one sample: of the input, and of every node up to the output."""
        return (size(self.input), *(node.size for node in self.nodes))

    @property
    def hidden(self) -> tuple[Node, ...]:
        """The nodes that move."""
        return self.nodes[:-1]

    def __getitem__(self, number: int) -> Node:
        """The node of this number, from 1."""
        return self.nodes[number - 1]

    def name_of(self, number: int) -> str:
        return "x" if number == INPUT else self[number].name

    def shape_of(self, number: int) -> Shape:
        return self.input if number == INPUT else self[number].shape

    @cached_property
    def parents(self) -> dict[int, tuple[int, ...]]:
        """The nodes that each node reads, each once and in order; the input among them."""
        return {
            node.number: tuple(sorted({branch.source for branch in node.branches}))
            for node in self.nodes
        }

    @cached_property
    def children(self) -> dict[int, tuple[int, ...]]:
        """The nodes that read each node, or the input."""
        found: dict[int, list[int]] = {number: [] for number in range(len(self.nodes) + 1)}
        for number, parents in self.parents.items():
            for parent in parents:
                found[parent].append(number)
        return {number: tuple(children) for number, children in found.items()}

    @cached_property
    def parameters(self) -> dict[str, Shape]:
        """Everything that is learnt, by key, in order; shared parameters once."""
        found: dict[str, Shape] = {}
        for node in self.nodes:
            for term in node.terms:
                found |= {key: shape for key, shape in term.parameters.items() if key not in found}
        return found

    @property
    def parameter_count(self) -> int:
        return sum(map(size, self.parameters.values()))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one sample, forward."""
        return sum(term.operator.macs(term.reads) for node in self.nodes for term in node.terms)

    @property
    def state_count(self) -> int:
        """Values of all states of one sample, the output's among them."""
        return sum(node.size for node in self.nodes)

    @cached_property
    def owners(self) -> dict[str, Term]:
        """The term that each parameter belongs to, by key."""
        found: dict[str, Term] = {}
        for node in self.nodes:
            for term in node.terms:
                for key in term.parameters:
                    if key not in found or term.owns:
                        found[key] = term
        return found

    @cached_property
    def is_chain(self) -> bool:
        """Whether it is a chain of dense layers, which ``network.layers`` can say, too."""
        return all(
            [branch.source for branch in node.branches] == [node.number - 1]
            and not node.then
            and len(node.shape) == 1
            and all(isinstance(term.operator, Dense | Activation) for term in node.terms)
            and sum(isinstance(term.operator, Dense) for term in node.terms) == 1
            for node in self.nodes
        )
