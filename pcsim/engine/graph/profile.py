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
from pcsim.engine.graph.inference import GraphResult, backpropagate, infer
from pcsim.engine.graph.learner import block_samples
from pcsim.engine.graph.model import GraphNetwork
from pcsim.engine.graph.stability import rate_limit
from pcsim.engine.rules import PredictiveCoding, Rule
from pcsim.network import credited

if TYPE_CHECKING:
    from pcsim.config import Numerics


def look_at(
    rule: Rule,
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
        if not isinstance(rule, PredictiveCoding):
            return backpropagate(network, weights, x, y, numerics=numerics, seed=seed)
        nudging = rule.nudging
        beta = None if nudging.kind == "none" else nudging.betas(0, first=0, count=1)[0]
        return infer(
            network,
            weights,
            x,
            y,
            relaxation=rule.relaxation,
            beta=beta,
            numerics=numerics,
            seed=seed,
        )


def rate_limit_of(
    rule: Rule, network: GraphNetwork, weights: Mapping[str, np.ndarray], x: np.ndarray
) -> float | None:
    """The inference rate beyond which the batch ``x`` does not settle; None where no bound is known."""
    if not isinstance(rule, PredictiveCoding):
        return None
    block = block_samples(network.graph, len(x))
    return rate_limit(network, weights, x, relaxation=rule.relaxation, block=block)


def reached(rule: Rule, network: GraphNetwork) -> frozenset[int]:
    """The nodes that errors can have reached when the weights learn."""
    if not isinstance(rule, PredictiveCoding):
        return frozenset(node.number for node in network.graph.nodes)
    how = rule.relaxation
    return frozenset(credited(network.graph, how.variant, how.order, how.steps))


def credit_of(
    rule: Rule,
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
        if node.number not in reached(rule, network):
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
