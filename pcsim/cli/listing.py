"""What ``pcsim check`` says of a network: how large it is and, where it is no chain, its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcsim.config.network import NetworkSettings
    from pcsim.network import Graph, Node, Term

MOST_NODES = 64
"""Nodes of more are not listed one by one."""


def network_lines(network: NetworkSettings) -> Iterator[str]:
    """How many nodes, parameters, multiply-accumulates and states; of a graph then a line for each node."""
    graph = network.graph
    count = len(graph.nodes)
    yield (
        f"  network: {count} node{'' if count == 1 else 's'}, {graph.parameter_count:,} parameters; a sample takes "
        f"{graph.macs:,} multiply-accumulates forward and has {graph.state_count:,} states"
        f"{'; labels go in and images come out' if network.generates else ''}"
    )
    if network.is_chain or count > MOST_NODES:
        return
    rows = [("node", "shape", "parameters", "MACs", "prediction")]
    rows += [_row(graph, node) for node in graph.nodes]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, shape, parameters, macs, prediction in rows:
        yield (
            f"    {name:{widths[0]}}  {shape:{widths[1]}}  {parameters:>{widths[2]}}  {macs:>{widths[3]}}  {prediction}"
        )


def _row(graph: Graph, node: Node) -> tuple[str, str, str, str, str]:
    from pcsim.network.operators import shape_text, size

    parameters = sum(
        size(shape) for term in node.terms if term.owns for shape in term.parameters.values()
    )
    macs = sum(term.operator.macs(term.reads) for term in node.terms)
    branches = [
        " > ".join([graph.name_of(branch.source), *map(_term, branch.terms)])
        for branch in node.branches
    ]
    said = " + ".join(branches)
    if node.then:
        said = " > ".join([f"({said})", *map(_term, node.then)])
    return node.name, shape_text(node.shape), f"{parameters:,}", f"{macs:,}", said


def _term(term: Term) -> str:
    shared = "" if term.owns else f" (weights of {term.weights})"
    return f"{term.operator}{shared}"
