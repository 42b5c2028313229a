"""Which nodes do errors reach in so many inference steps, whatever the order of the steps?

From a feed-forward start only the output has an error. A step lets groups of nodes move, one group after the other;
a node moves if its own error or that of a node which reads it is not zero, and its move makes its own error and those
of the nodes that read it other than zero. So the errors climb from the output:

- jacobi: all nodes are one group, and errors climb one edge a step;
- fpa: alike, but predictions stay what they were, so that a move changes no error but its own;
- red_black: groups of a colour, odd nodes of a chain before even ones;
- gauss_seidel: every node a group, from the output down, so that one pass reaches all; epc reaches all at once;
- ipc learns before its last step has moved anything, so its last step does not count;
- z_il takes as many steps as it needs to reach all.

Left out: zeros that numbers bring about, as those of relu.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from pcsim.network.fronts import colours
from pcsim.network.graph import INPUT, Branch, Graph, Node

Credit = Callable[[Graph, str, int], tuple[int, ...]]
"""The nodes, from the input up, that receive a gradient: of a graph, an order and a number of steps."""


def everything(graph: Graph, order: str = "", steps: int = 0) -> tuple[int, ...]:
    """One update reaches every node, as of backpropagation and z_il."""
    return tuple(node.number for node in graph.nodes)


def at_once(graph: Graph, order: str, steps: int) -> tuple[int, ...]:
    """The first step reaches every node, as of epc."""
    return everything(graph) if steps else (graph.output.number,)


def by_steps(graph: Graph, order: str, steps: int) -> tuple[int, ...]:
    """Errors climb with the moves of states, group after group of an ``order``."""
    return _climbed(graph, groups(graph, order), steps)


def with_fixed_predictions(graph: Graph, order: str, steps: int) -> tuple[int, ...]:
    """As ``by_steps`` of jacobi, but a move changes no error but the node's own: fpa."""
    return _climbed(graph, groups(graph, "jacobi"), steps, alone=True)


def with_moving_weights(graph: Graph, order: str, steps: int) -> tuple[int, ...]:
    """As ``by_steps`` of jacobi, where the weights learn before the states move: ipc."""
    return _climbed(graph, groups(graph, "jacobi"), max(0, steps - 1))


def _climbed(
    graph: Graph, together: Sequence[Sequence[int]], steps: int, *, alone: bool = False
) -> tuple[int, ...]:
    wrong = {graph.output.number}
    for _ in range(steps):
        before = len(wrong)
        for group in together:
            wrong |= _moved(graph, wrong, group, alone=alone)
        if len(wrong) == before:
            break
    return tuple(sorted(wrong))


@lru_cache(maxsize=1 << 12)
def credited_in_chain(credit: Credit, layers: int, order: str, steps: int) -> int:
    """How many of the ``layers`` of a chain, from the output down, ``credit`` gives a gradient after ``steps``."""
    nodes = tuple(
        Node(number, str(number), (Branch(number - 1, (), (1,)),), (), (1,))
        for number in range(1, layers + 1)
    )
    return len(credit(Graph((1,), nodes), order, steps))


def groups(graph: Graph, order: str) -> tuple[tuple[int, ...], ...]:
    """The hidden nodes that move at once in a step of an ``order``, group after group."""
    hidden = tuple(node.number for node in graph.hidden)
    if order == "gauss_seidel":
        return tuple((number,) for number in reversed(hidden))
    if order == "red_black":
        of = colours(graph)
        found: dict[int, list[int]] = {}
        for number in hidden:
            found.setdefault(of[number], []).append(number)
        # The group of the lowest node first: of a chain the odd layers.
        return tuple(tuple(found[colour]) for colour in sorted(found, key=lambda c: found[c][0]))
    return (hidden,)


def _moved(graph: Graph, wrong: set[int], group: Sequence[int], *, alone: bool) -> set[int]:
    """The nodes whose errors a move of ``group`` makes other than zero."""
    found: set[int] = set()
    for number in group:
        if number in wrong or wrong.intersection(graph.children[number]):
            found |= {number} if alone else {number, *graph.children[number]}
    return found - {INPUT}
