"""What does one batch of a graph keep busy, and which of its nodes learn from their gradient?

A node's gradient is that of all its parameters; it has credit by the criterion of ``engine/credit.py``, against the
same rule in float64. A node without parameters, such as a pooling, has nothing to learn: it counts as credited where
errors reach it, and has no norm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.credit import (
    CREDITED,
    DIVERGED,
    FORMAT,
    RATE,
    STEPS,
    UNDERFLOW,
    ZERO,
    Credit,
    cosine_of,
    is_signal,
)
from pcsim.engine.graph.inference import GraphResult, backpropagate
from pcsim.engine.graph.model import GraphNetwork
from pcsim.engine.rules import Algorithm

if TYPE_CHECKING:
    from pcsim.config import Numerics


def look_at(
    rule: Algorithm,
    network: GraphNetwork,
    weights: Mapping[str, np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    *,
    numerics: Numerics | None = None,
    seed: int = 0,
) -> GraphResult:
    """What ``rule`` computes on one batch, in ``numerics`` with the random numbers of ``seed``."""
    with np.errstate(all="ignore"):  # What diverges is found by what it gives.
        return rule.look_at(network, weights, x, y, numerics=numerics, seed=seed)


def credit_of(
    rule: Algorithm,
    network: GraphNetwork,
    weights: Mapping[str, np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    result: GraphResult,
    *,
    numerics: Numerics | None = None,
) -> Credit:
    """What the gradients of ``result`` are worth, which ``rule`` gave in ``numerics``, node after node."""
    found = by_node(network, result.gradients)
    nodes = network.graph.nodes
    norms = [float(np.linalg.norm(g)) for g in found]
    if not all(map(math.isfinite, norms)):
        nothing = (None,) * len(nodes)
        return Credit(nothing, nothing, (DIVERGED,) * len(nodes))
    reached = frozenset(rule.reached(network.graph))
    wide = replace(network, dtype="float64")
    exact = by_node(network, look_at(rule, wide, weights, x, y).gradients)
    truth: list[np.ndarray] = []
    plainly: list[np.ndarray] = []
    reasons = []

    def in_float32(found: list[np.ndarray]) -> list[np.ndarray]:
        if not found:
            single = replace(network, dtype="float32")
            found += by_node(network, look_at(rule, single, weights, x, y).gradients)
        return found

    for i, (node, mine, right) in enumerate(zip(nodes, found, exact, strict=True)):
        if node.number not in reached:
            reasons.append(STEPS)
        elif not mine.size or is_signal(mine, right):
            reasons.append(CREDITED)
        elif numerics is not None and is_signal(in_float32(plainly)[i], right):
            reasons.append(FORMAT)
        elif norms[i]:
            reasons.append(RATE)
        else:
            truth = truth or by_node(network, backpropagate(wide, weights, x, y).gradients)
            reasons.append(UNDERFLOW if truth[i].any() else ZERO)
    return Credit(
        tuple(norm if g.size else None for norm, g in zip(norms, found, strict=True)),
        tuple(cosine_of(a, b) for a, b in zip(found, exact, strict=True)),
        tuple(reasons),
    )


def by_node(network: GraphNetwork, gradients: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The gradient of each node in float64, flat: of all parameters that its terms use; empty where there are none."""
    found = []
    for node in network.graph.nodes:
        keys = dict.fromkeys(key for term in node.terms for key in term.parameters)
        parts = [gradients[key].astype(np.float64).ravel() for key in keys]
        found.append(np.concatenate(parts) if parts else np.zeros(0))
    return found
