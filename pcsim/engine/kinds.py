"""Which kernels does a training need, and are they compiled already, on this machine and in this version?

Kernels are compiled once for each type of the arguments: for each width of number, and again where values are rounded
in between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from pcsim.compiled.known import known, remember
from pcsim.network import RULES

if TYPE_CHECKING:
    from pcsim.config import Candidate, Workload

ROOM = "engine"
"""Whose sources these kernels are compiled from."""
SHARED = "shared"
"""The kernels that every rule calls."""
AUDIT = "audit"
"""The gradients that those of rounded numbers are held against."""
GRAPH = "graph"
"""The kernels of networks that are graphs, but for those of the operators in ``LONG``."""
LONG = ("conv2d",)
"""Operators whose kernels take long to compile."""


class KernelKind(NamedTuple):
    """Kernels that are compiled together: which ``part``, for arrays of ``dtype``, with which rounding."""

    part: str
    dtype: str
    rounding: str

    @property
    def name(self) -> str:
        return "-".join(self)


def kinds_of(
    candidate: Candidate, dtype: str, operators: Collection[str] = ()
) -> tuple[KernelKind, ...]:
    """All that training ``candidate`` calls: what rules share, and what is its own.

    ``operators`` are those of a network that is computed as a graph, whose kernels all rules share, and whose
    gradients are held against those of float64.
    """
    if operators:
        parts = (GRAPH, *(name for name in LONG if name in operators))
        plain = dict.fromkeys((dtype, "float64"))
        found = tuple(KernelKind(part, each, "plain") for part in parts for each in plain)
        if candidate.numerics.plain:
            return found
        return (*found, *(KernelKind(part, dtype, "rounded") for part in parts))
    rounding = "plain" if candidate.numerics.plain else "rounded"
    found = tuple(KernelKind(part, dtype, rounding) for part in (SHARED, _own(candidate)))
    if candidate.numerics.plain:
        return found
    return (*found, KernelKind(AUDIT, "float64", "plain"))


def _own(candidate: Candidate) -> str:
    inference = candidate.inference
    if inference is None:
        return "backpropagation"
    if not RULES[inference.variant].reads_all:
        return inference.variant
    return "jacobi" if inference.plain else "relaxation"


def operators_of(workload: Workload, candidate: Candidate) -> frozenset[str]:
    """The operators of a network that is computed as a graph, as by rules of extensions; none of other chains."""
    network = workload.network
    if network.is_chain and candidate.own is None:
        return frozenset()
    return frozenset(term.operator.name for node in network.graph.nodes for term in node.terms)


def compiled(kind: KernelKind) -> bool:
    """Whether kernels of this kind were compiled and kept."""
    return known(kind.name, ROOM)


def remember_kinds(kinds: Iterable[KernelKind]) -> None:
    """Note that kernels of these kinds are compiled; where nothing can be kept, they are not."""
    for kind in kinds:
        remember(kind.name, ROOM)
