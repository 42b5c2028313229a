"""When can a node first move, and when can its error first differ from zero?

From a feed-forward start every state equals its prediction, so all errors are zero but that of the output. In
every step of inference a node moves if its own error, or that of a node which reads it, is not zero; and an error
stops being zero once its state or something that its prediction reads has moved. So what the output knows spreads
through the graph like a wave, one edge a step:

    first_move(n)  = 1 + min(first_error(n), first_error(children of n))
    first_error(n) = min(first_move(n), first_move(parents of n))          first_error(output) = 0

On a chain of L layers first_move(l) = first_error(l) = L - l. What lies before the front need not be computed (the
wavefront), and a node that the front has not reached after T steps receives no gradient (credit).

Left out: zeros that numbers bring about, as those of relu; the front says when a value can first be other than zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from pcsim.network.graph import INPUT, Graph


@dataclass(frozen=True)
class Fronts:
    """By node number: the step in which it first moves (never: None), and the step after which its error can first be
    other than zero (0: from the start)."""

    first_move: dict[int, int | None]
    first_error: dict[int, int | None]

    def credited(self, steps: int) -> tuple[int, ...]:
        """The nodes whose error can differ from zero after ``steps``."""
        return tuple(
            n for n, step in self.first_error.items() if step is not None and step <= steps
        )

    @property
    def last(self) -> int:
        """The steps until every error can differ from zero."""
        return max((step for step in self.first_error.values() if step is not None), default=0)


def fronts(graph: Graph) -> Fronts:
    """The fronts of simultaneous (Jacobi) steps, by a search for shortest ways from the output."""
    output = graph.output.number
    move: dict[int, int | None] = {node.number: None for node in graph.nodes}
    error: dict[int, int | None] = {node.number: None for node in graph.nodes}
    error[output] = 0
    # Of equal steps errors first: what is not zero after a step moves its neighbours in the next.
    waiting = [(0, 0, output)]
    heapify(waiting)
    while waiting:
        step, moves, number = heappop(waiting)
        if not moves:
            # Its error moves itself and what it reads, in the next step.
            for mover in (number, *graph.parents[number]):
                if mover not in (INPUT, output) and move[mover] is None:
                    move[mover] = step + 1
                    heappush(waiting, (step + 1, 1, mover))
            continue
        for number_of_error in (number, *graph.children[number]):
            if error[number_of_error] is None:
                error[number_of_error] = step
                heappush(waiting, (step, 0, number_of_error))
    return Fronts(move, error)


def levels(graph: Graph) -> dict[int, int]:
    """The longest way from each node to the output: the step in which all that it is told is final (z_il)."""
    found = {graph.output.number: 0}
    for node in reversed(graph.hidden):
        found[node.number] = 1 + max((found[c] for c in graph.children[node.number]), default=0)
    return found


def near(graph: Graph, number: int) -> set[int]:
    """The nodes that the gradient of a node reads: its parents, its children, and what else its children read."""
    found = {*graph.parents[number], *graph.children[number]}
    for child in graph.children[number]:
        found |= set(graph.parents[child])
    return found - {number, INPUT}


def colours(graph: Graph) -> dict[int, int]:
    """A colour for every hidden node, such that nodes of one colour may move one after the other or all at once.

    Nodes that are near one another get different colours, each the lowest that is free, from the output down. A chain
    has two, as of red-black.
    """
    output = graph.output.number
    found: dict[int, int] = {}
    for node in reversed(graph.hidden):
        taken = {found[other] for other in near(graph, node.number) - {output} if other in found}
        found[node.number] = next(c for c in range(len(taken) + 1) if c not in taken)
    return dict(sorted(found.items()))
