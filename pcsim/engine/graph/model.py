"""Which graph is trained, and the weights that a seed gives it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pcsim.engine.drawing import normal, orthogonal
from pcsim.engine.network import DenseNetwork, DtypeName, LossName, Weights
from pcsim.engine.operators import OPERATIONS
from pcsim.engine.operators.operation import Operation
from pcsim.network import Graph
from pcsim.network.operators import Shape, size

Drawn = Literal["uniform", "normal", "orthogonal"]
DRAWN = {"normal": normal, "orthogonal": orthogonal}

BLOCK_VALUES = 1 << 19
"""Values of all predictions of a block: what stays in a nearby cache, and is enough work for one call."""

GraphWeights = dict[str, np.ndarray]
"""By the keys of ``Graph.parameters``, in their order."""


@dataclass(frozen=True)
class GraphNetwork:
    """A graph with the loss at its output; ``dtype`` is the number format of everything computed.

    Cross-entropy is over the softmax of the output's last axis. ``chain``: the chain of dense layers that it is, if it
    is one, whose weights a seed then gives it: every rule begins from the same.
    """

    graph: Graph
    loss: LossName
    dtype: DtypeName = "float64"
    drawn: Drawn = "uniform"
    chain: DenseNetwork | None = None


def initial_weights(
    graph: Graph, seed: int, dtype: str, *, drawn: Drawn = "uniform"
) -> GraphWeights:
    """Drawn in float64 whatever the dtype, parameter after parameter.

    Dense layers, convolutions and attention: weights and biases from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), or as
    ``drawn`` says (``drawing.py``). Norms: weights 1, biases 0. Positions: N(0, 0.02^2).
    """
    random = np.random.default_rng((seed, 0))
    found: GraphWeights = {}
    for key, shape in graph.parameters.items():
        term = graph.owners[key]
        operation, name = OPERATIONS[term.operator.name], key.rpartition(".")[2]
        if drawn == "uniform" or operation.initial is not Operation.initial:
            values = operation.initial(random, term.operator, term.reads, name, shape)
        else:
            values = DRAWN[drawn](random, shape)
        found[key] = values.astype(dtype)
    return found


def weights_of_chain(graph: Graph, weights: Weights) -> GraphWeights:
    """The weights of a chain of dense layers, and behind them its biases, by the keys of the graph that it is."""
    keys = sorted(graph.parameters, key=lambda key: key.endswith(".bias"))
    found = dict(zip(keys, weights, strict=True))
    return {key: found[key] for key in graph.parameters}


def by_place(among: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Parameters, or their gradients, by the place of the term that they belong to and by name."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for key, array in among.items():
        place, _, name = key.rpartition(".")
        found.setdefault(place, {})[name] = array
    return found


def flattened(graph: Graph, weights: Mapping[str, np.ndarray], dtype: str) -> np.ndarray:
    """All parameters in a row, in the order of the graph."""
    parts = [np.ravel(weights[key]) for key in graph.parameters]
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)


def views(graph: Graph, flat: np.ndarray) -> GraphWeights:
    """Each parameter of ``flat`` in its shape, the same memory."""
    found: GraphWeights = {}
    at = 0
    shape: Shape
    for key, shape in graph.parameters.items():
        found[key] = flat[at : at + size(shape)].reshape(shape)
        at += size(shape)
    return found


def block_samples(graph: Graph, batch: int) -> int:
    """Samples of a block, such that the batch is cut into equal ones where it can be."""
    values = graph.state_count + sum(
        math.prod(term.gives) for node in graph.nodes for term in node.terms
    )
    parts = -(-batch * values // BLOCK_VALUES)
    return max(1, -(-batch // max(1, parts)))
