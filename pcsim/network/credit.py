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

from collections.abc import Sequence
from functools import lru_cache

from pcsim.network.fronts import colours
from pcsim.network.graph import INPUT, Branch, Graph, Node


def credited(graph: Graph, variant: str, order: str, steps: int) -> tuple[int, ...]:
    """The numbers of the nodes that receive a gradient after ``steps`` of inference, from the input up."""
    everything = tuple(node.number for node in graph.nodes)
    output = graph.output.number
    if variant == "z_il":
        return everything
    if variant == "epc":
        return everything if steps else (output,)
    if variant == "ipc":
        order, steps = "jacobi", max(0, steps - 1)
    if variant != "pc":
        order = "jacobi"
    together = groups(graph, order)
    wrong = {output}
    for _ in range(steps):
        before = len(wrong)
        for group in together:
            wrong |= _moved(graph, wrong, group, alone=variant == "fpa")
        if len(wrong) == before:
            break
    return tuple(sorted(wrong))


@lru_cache(maxsize=1 << 12)
def credited_in_chain(layers: int, variant: str, order: str, steps: int) -> int:
    """How many of the ``layers`` of a chain, from the output down, receive a gradient after ``steps``."""
    nodes = tuple(
        Node(number, str(number), (Branch(number - 1, (), (1,)),), (), (1,))
        for number in range(1, layers + 1)
    )
    return len(credited(Graph((1,), nodes), variant, order, steps))


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
