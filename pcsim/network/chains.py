"""A chain of dense layers as a graph, whose node l is its layer l."""

from __future__ import annotations

from typing import Any

from pcsim.network.build import graph_of
from pcsim.network.graph import Graph
from pcsim.network.scaling import scaled


def chain(
    widths: tuple[int, ...],
    activation: str,
    *,
    bias: bool = False,
    skips: bool = False,
    post: bool = False,
    parameterisation: str = "sp",
) -> Graph:
    """Layers of ``widths`` from input to output, the nodes z1 to y.

    The ``activation`` comes before the weights of every layer but the first, or behind (``post``) those of every layer
    but the last; the identity is called linear. ``skips`` add the value below to the prediction of every layer but the
    first and the last whose two widths agree.
    """
    phi = [] if activation == "linear" else [activation]
    last, names = len(widths) - 1, ["x", *(f"z{i}" for i in range(1, len(widths) - 1)), "y"]
    nodes: list[dict[str, Any]] = []
    for layer in range(1, last + 1):
        dense = [["dense", {"units": widths[layer], "bias": bias}]]
        before = [] if post or layer == 1 else phi
        behind = phi if post and layer < last else []
        branches = [{"from": names[layer - 1], "map": [*before, *dense, *behind]}]
        if skips and 1 < layer < last and widths[layer - 1] == widths[layer]:
            branches.append({"from": names[layer - 1], "map": []})
        nodes.append({"name": names[layer], "branches": branches})
    inner = frozenset(range(2, last))
    graph = graph_of(widths[:1], nodes)
    return scaled(graph, parameterisation, residual=inner, depth=last if skips else 1)
