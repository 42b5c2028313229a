"""Which nodes can move at all, and whose errors change with them?

From a feed-forward start all errors are zero but the output's. A node moves if its own error, or that of a node which
reads it, can differ from zero; its error and those of its readers can from then on. What cannot move is skipped (the
wavefront), which changes no bit. Of jacobi this gives ``pcsim.network.fronts``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pcsim.network import Graph
from pcsim.network.fronts import levels as levels


def movers(graph: Graph, group: Iterable[int], alive: Collection[int]) -> tuple[int, ...]:
    """Which nodes of ``group`` can move, where the errors of ``alive`` can differ from zero."""
    return tuple(
        number
        for number in group
        if number in alive or any(child in alive for child in graph.children[number])
    )


def touched(graph: Graph, moved: Iterable[int]) -> set[int]:
    """The nodes whose errors change with the values of ``moved``: themselves, and what reads them."""
    found = set(moved)
    for number in tuple(found):
        found.update(graph.children[number])
    return found
