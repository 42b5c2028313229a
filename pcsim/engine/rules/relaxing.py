"""Predictive coding: states or errors relax, then the weights learn, or they learn in every step.

How states and errors move is a table of its own (``engine/graph/relaxers.py``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.graph.inference import GraphResult, infer
from pcsim.engine.graph.model import GraphNetwork, block_samples
from pcsim.engine.graph.passes import GraphPasses
from pcsim.engine.graph.relaxer import GraphRelaxer
from pcsim.engine.graph.relaxers import relaxer_of
from pcsim.engine.graph.stability import rate_limit
from pcsim.engine.operators.rounding import Rounding
from pcsim.engine.relaxation import Nudging, Relaxation
from pcsim.engine.rules.algorithm import Algorithm, GraphTraining
from pcsim.engine.rules.relaxing_chains import RelaxingOnChains
from pcsim.network import RULES, Graph

if TYPE_CHECKING:
    from pcsim.config import Numerics


class Relaxing(Algorithm):
    """Inference as ``relaxation`` says, its output drawn to the target as ``nudging`` says."""

    def __init__(self, relaxation: Relaxation, nudging: Nudging | None = None) -> None:
        self.relaxation, self.nudging = relaxation, nudging or Nudging()
        self.along = RULES[relaxation.variant].learns_along
        self.settles = relaxation.tolerance > 0
        self.in_blocks = relaxation.in_blocks
        self.steps = relaxation.steps
        self.weight_steps = relaxation.steps if self.along else 1

    @property
    def on_chains(self) -> RelaxingOnChains:
        return RelaxingOnChains(self.relaxation, self.nudging)

    def reached(self, graph: Graph) -> Sequence[int]:
        how = self.relaxation
        return RULES[how.variant].credit(graph, how.order, how.steps)

    def passes_of(
        self,
        network: GraphNetwork,
        weights: Mapping[str, np.ndarray],
        samples: int,
        rounding: Rounding | None = None,
        *,
        seed: int = 0,
    ) -> GraphRelaxer:
        return relaxer_of(network, weights, self.relaxation, samples, rounding)

    def betas(self, seed: int, *, first: int, count: int) -> Sequence[float | None]:
        if self.nudging.kind == "none":
            return [None] * count
        return self.nudging.betas(seed, first=first, count=count)

    def find_errors(
        self, passes: GraphPasses, x: np.ndarray, y: np.ndarray, *, beta: float | None = None
    ) -> int:
        assert isinstance(passes, GraphRelaxer)
        passes.start(x, y, beta=beta)
        return passes.relax(steps=self.relaxation.steps)

    def energy(self, passes: GraphPasses) -> float:
        return passes.total_energy()

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
        if not self.along:
            return super().update(learner, rows, done, beta=beta, learn=learn, measure=measure)
        relaxer, steps = learner.passes, self.relaxation.steps
        assert isinstance(relaxer, GraphRelaxer)
        learner.set_clock(done, 0)
        relaxer.start(*learner.load(rows))
        for step in range(steps):
            learner.set_clock(done, step + 1)
            if learn:
                learner.flat_gradients.fill(0.0)
                relaxer.learn(learner.gradients)
            relaxer.move_together()
            if learn:
                learner.step(done * steps + step + 1, -1.0 / len(rows))
            relaxer.predict_again()
        finite = np.isfinite(relaxer.e[-1]).all()
        return relaxer.total_energy() if finite else math.nan

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
        return infer(
            network,
            weights,
            x,
            y,
            relaxation=self.relaxation,
            beta=self.betas(0, first=0, count=1)[0],
            numerics=numerics,
            seed=seed,
        )

    def rate_limit(
        self, network: GraphNetwork, weights: Mapping[str, np.ndarray], x: np.ndarray
    ) -> float | None:
        block = block_samples(network.graph, len(x))
        return rate_limit(network, weights, x, relaxation=self.relaxation, block=block)
