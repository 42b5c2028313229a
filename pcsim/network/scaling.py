"""Factors behind the weights that keep values and gradients of one size in any width and depth.

With weights drawn from N(0, 1), a dense layer or convolution is followed by a fixed factor: 1/sqrt(fan_in), which is
1/sqrt(channels kernel^2) of a convolution; on a residual node, one of R, 1/sqrt(R) of that, so that R nodes together
add as much as one. The output's factor is 1/fan_in in mupc and 1/sqrt(fan_in) in ntp. Source: depth-muP for predictive
coding, arXiv 2505.13124, and its convolutional form in the authors' library.

Left out: attention, whose factors inside a softmax no source states.
"""

from __future__ import annotations

from dataclasses import replace

from pcsim.network.graph import Branch, Graph, Node, Term
from pcsim.network.operators import Attention, Conv2d, Dense
from pcsim.network.operators.pointwise import Scale


def scaled(
    graph: Graph, parameterisation: str, *, residual: frozenset[int] | None = None, depth: int = 0
) -> Graph:
    """``graph`` with the factors of mupc or ntp; of sp it is the same.

    ``residual`` are the nodes whose factors depend on ``depth``; unless given, all nodes that add a value itself to
    what weights make, and ``depth`` is their number.
    """
    if parameterisation == "sp":
        return graph
    if residual is None:
        residual = frozenset(node.number for node in graph.nodes if is_residual(node))
        depth = len(residual)
    last = graph.output.number

    def factor(node: Node, term: Term) -> float:
        fan_in = term.operator.fan_in(term.reads, "weight")
        if node.number == last:
            return 1 / fan_in if parameterisation == "mupc" else float(fan_in**-0.5)
        return float((fan_in * (depth if node.number in residual else 1)) ** -0.5)

    def line(node: Node, terms: tuple[Term, ...]) -> tuple[Term, ...]:
        found: list[Term] = []
        for term in terms:
            found.append(term)
            if isinstance(term.operator, Dense | Conv2d):
                at, shape = f"{term.at}.scale", term.gives
                found.append(Term(Scale(factor(node, term)), at, shape, shape, at))
        return tuple(found)

    return Graph(
        graph.input,
        tuple(
            replace(
                node,
                branches=tuple(
                    Branch(branch.source, line(node, branch.terms), branch.gives)
                    for branch in node.branches
                ),
                then=line(node, node.then),
            )
            for node in graph.nodes
        ),
    )


def is_residual(node: Node) -> bool:
    """Whether a node adds a value itself, perhaps times a number, to what weights make."""
    with_weights = [any(term.parameters for term in branch.terms) for branch in node.branches]
    return any(with_weights) and not all(with_weights)


def has_attention(graph: Graph) -> bool:
    """Whether any node attends."""
    return any(isinstance(term.operator, Attention) for node in graph.nodes for term in node.terms)
