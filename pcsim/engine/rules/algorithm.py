"""What must a learning rule compute? The errors of one batch, from which the weights learn.

On a graph a rule is asked block by block of samples to leave in ``e`` what every node's weights learn from; the learner
sums the gradients up and steps the weights once. A rule whose weights learn in between says how with ``update``. A rule
may have kernels of its own for chains of dense layers (``on_chains``); without them a chain is computed as the graph
that it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pcsim.engine.graph.inference import GraphResult, look_once
from pcsim.engine.graph.model import GraphNetwork
from pcsim.engine.graph.passes import GraphPasses
from pcsim.engine.operators.rounding import Rounding
from pcsim.network import Graph

if TYPE_CHECKING:
    from pcsim.config import Numerics
    from pcsim.engine.rules.chains import OnChains


class GraphTraining(Protocol):
    """What an update changes: the learner of a graph, as its rule sees it."""

    passes: GraphPasses
    gradients: dict[str, dict[str, np.ndarray]]
    flat_gradients: np.ndarray
    block: int
    executed: np.ndarray

    def set_clock(self, update: int, step: int, part: int = 0) -> None:
        """The moment to which the random numbers of what follows belong."""

    def load(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The chosen samples."""

    def step(self, count: int, factor: float) -> None:
        """The ``count``-th step of the weights; ``factor`` times what was summed is their gradient."""


class Algorithm:
    """How a rule finds errors. This one is a pass forward and one back; a rule of your own says what differs.

    ``settles``: batches differ in how many inference steps they take. ``steps`` are inference steps at most,
    ``weight_steps`` how often an update steps the weights. ``in_blocks``: the samples of a batch may go through a few
    at a time.
    """

    settles: bool = False
    steps: int = 0
    weight_steps: int = 1
    in_blocks: bool = True

    @property
    def on_chains(self) -> OnChains | None:
        """The same rule by kernels for chains of dense layers, if it has them."""
        return None

    def reached(self, graph: Graph) -> Sequence[int]:
        """The nodes that errors can have reached when the weights learn."""
        return [node.number for node in graph.nodes]

    def passes_of(
        self,
        network: GraphNetwork,
        weights: Mapping[str, np.ndarray],
        samples: int,
        rounding: Rounding | None = None,
        *,
        seed: int = 0,
    ) -> GraphPasses:
        """Room for up to ``samples`` samples; ``seed`` is the training's."""
        return GraphPasses(network, weights, samples, rounding)

    def betas(self, seed: int, *, first: int, count: int) -> Sequence[float | None]:
        """How far the output is drawn to the target in each of ``count`` updates from ``first`` on; None: all the
        way."""
        return [None] * count

    def find_errors(
        self, passes: GraphPasses, x: np.ndarray, y: np.ndarray, *, beta: float | None = None
    ) -> int:
        """Leave in ``passes.e`` minus the derivative that each node's weights are to follow; returns the inference
        steps made."""
        passes.start_backpropagation(x, y)
        return 0

    def energy(self, passes: GraphPasses) -> float:
        """What the rule lowers, of the batch that was last looked at, summed over its samples."""
        return passes.loss()

    def update(
        self,
        learner: GraphTraining,
        rows: np.ndarray,
        done: int,
        *,
        beta: float | None,
        learn: bool,
        measure: bool,
    ) -> float:
        """Update ``done`` + 1, of the samples ``rows``; returns the energy if it is to be measured, not-a-number where
        outputs are no longer finite."""
        energy, passes = 0.0, learner.passes
        learner.set_clock(done, 0)
        learner.flat_gradients.fill(0.0)
        for begin in range(0, len(rows), learner.block):
            x, y = learner.load(rows[begin : begin + learner.block])
            made = self.find_errors(passes, x, y, beta=beta)
            learner.executed[made] += begin == 0
            if learn:
                passes.learn(learner.gradients)
            if measure:
                energy += self.energy(passes)
            if not np.isfinite(passes.e[-1]).all():
                energy = math.nan
        if learn:
            learner.step(done + 1, -1.0 / len(rows) / (1.0 if beta is None else beta))
        return energy

    def look_at(
        self,
        network: GraphNetwork,
        weights: Mapping[str, np.ndarray],
        x: np.ndarray,
        y: np.ndarray,
        *,
        numerics: Numerics | None = None,
        seed: int = 0,
    ) -> GraphResult:
        """What the rule computes on one batch, in ``numerics`` with the random numbers of ``seed``."""
        return look_once(
            network,
            weights,
            x,
            y,
            passes_of=partial(self.passes_of, network, seed=seed),
            find_errors=self.find_errors,
            numerics=numerics,
            seed=seed,
        )

    def rate_limit(
        self, network: GraphNetwork, weights: Mapping[str, np.ndarray], x: np.ndarray
    ) -> float | None:
        """The inference rate beyond which ``x`` does not settle; None where no bound is known."""
        return None
