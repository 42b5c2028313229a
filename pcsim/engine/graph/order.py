"""In which order do the nodes move, and which of them can move at all?

A step has phases; the nodes of a phase move at once. jacobi: all nodes in one phase; gauss_seidel: one node a phase,
from the output down; red_black: one colour a phase (``pcsim.network.colours``), that of the first node first.

From a feed-forward start all errors are zero but the output's. A node moves in a phase if its own error, or that of a
node which reads it, can differ from zero; its error and those of its readers can from then on. What cannot move is
skipped (the wavefront), which changes no bit. Of jacobi this gives ``pcsim.network.fronts``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pcsim.engine.relaxation import OrderName, Relaxation
from pcsim.network import Graph, colours

Phases = tuple[tuple[int, ...], ...]


def phases_of(graph: Graph, order: OrderName) -> Phases:
    """The numbers of the nodes that move in each phase of a step."""
    hidden = tuple(node.number for node in graph.hidden)
    if order == "jacobi":
        return (hidden,) if hidden else ()
    if order == "gauss_seidel":
        return tuple((number,) for number in reversed(hidden))
    colour = colours(graph)
    by_first = dict.fromkeys(colour.values())
    return tuple(tuple(n for n in hidden if colour[n] == each) for each in by_first)


def movers(graph: Graph, phase: Iterable[int], alive: Collection[int]) -> tuple[int, ...]:
    """Which nodes of ``phase`` can move, where the errors of ``alive`` can differ from zero."""
    return tuple(
        number
        for number in phase
        if number in alive or any(child in alive for child in graph.children[number])
    )


def touched(graph: Graph, moved: Iterable[int]) -> set[int]:
    """The nodes whose errors change with the values of ``moved``: themselves, and what reads them."""
    found = set(moved)
    for number in tuple(found):
        found.update(graph.children[number])
    return found


def levels(graph: Graph) -> dict[int, int]:
    """The longest way from each node to the output: the step in which all that it is told is final (z_il)."""
    found = {graph.output.number: 0}
    for node in reversed(graph.hidden):
        found[node.number] = 1 + max((found[c] for c in graph.children[node.number]), default=0)
    return found


def reached(graph: Graph, relaxation: Relaxation, steps: int) -> frozenset[int]:
    """The nodes whose error can differ from zero when the weights learn, after ``steps`` steps."""
    everyone = frozenset(node.number for node in graph.nodes)
    output = graph.output.number
    if relaxation.variant == "epc":
        return everyone if steps else frozenset({output})
    if relaxation.variant == "z_il":
        return frozenset(number for number, level in levels(graph).items() if level <= steps)
    if relaxation.variant == "ipc":
        steps = max(0, steps - 1)  # The last step's weights learn before its states move.
    alive = {output}
    order = relaxation.order if relaxation.variant == "pc" else "jacobi"
    phases = phases_of(graph, order)
    for _ in range(steps):
        before = len(alive)
        for phase in phases:
            moved = movers(graph, phase, alive)
            # Predictions that never change leave the errors of readers as they are.
            alive |= set(moved) if relaxation.variant == "fpa" else touched(graph, moved)
        if len(alive) == before:
            break
    return frozenset(alive)
