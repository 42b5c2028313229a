"""States relax, then the weights learn, on chains of dense layers: ``Relaxing`` by the kernels of chains.

Plain predictive coding runs whole stretches of updates in compiled code; all else compiles its parts, and is driven
from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.inference import BatchResult, infer
from pcsim.engine.kernels import layout
from pcsim.engine.kernels.arithmetic import Arithmetic
from pcsim.engine.kernels.passes import load_batch
from pcsim.engine.kernels.predictive_coding import predictive_coding_updates
from pcsim.engine.network import DenseNetwork, Weights
from pcsim.engine.relaxation import Nudging, Relaxation
from pcsim.engine.relaxer import Relaxer
from pcsim.engine.rules.chains import ChainTraining
from pcsim.engine.stability import rate_limit
from pcsim.network import RULES
from pcsim.network.credit import credited_in_chain

if TYPE_CHECKING:
    from pcsim.config import Numerics


@dataclass(frozen=True)
class RelaxingOnChains:
    """Inference as ``relaxation`` says, then one weight update, or one at every step."""

    relaxation: Relaxation
    nudging: Nudging

    @property
    def errors_are_differences(self) -> bool:
        return not RULES[self.relaxation.variant].free_errors

    def reach(self, layers: int) -> int:
        how = self.relaxation
        return credited_in_chain(RULES[how.variant].credit, layers, how.order, how.steps)

    def _stepped(self, layers: int) -> int:
        """How many layers, from the output down, step by errors that can be other than zero."""
        how = self.relaxation
        return self.reach(layers) if how.wavefront else layers

    def rate_limit(self, network: DenseNetwork, weights: Weights, x: np.ndarray) -> float | None:
        return rate_limit(network, weights, x, relaxation=self.relaxation)

    def relaxer(self, network: DenseNetwork, batch: int, arithmetic: Arithmetic | None) -> Relaxer:
        return Relaxer(network, self.relaxation, batch, arithmetic)

    def updates(
        self, learner: ChainTraining, order: np.ndarray, *, done: int, learn: bool
    ) -> tuple[int, float]:
        how, relaxer = self.relaxation, learner.relaxer
        if how.plain and self.nudging.kind == "none":
            inference = layout.Inference(
                relaxer.columns, 0, how.steps, float(how.rate), how.wavefront
            )
            return predictive_coding_updates(
                learner.shape,
                learner.parameters,
                learner.data,
                order,
                done,
                learner.optimiser,
                inference,
                learner.batch,
                relaxer.block,
                learn,
                learner.arithmetic,
            )
        energy = 0.0
        betas = self.nudging.betas(learner.seed, first=done, count=len(order))
        update = self._step_together if RULES[how.variant].learns_along else self._relax_then_step
        for i, (rows, beta) in enumerate(zip(order, betas, strict=True)):
            learner.set_clock(done + i, 0)
            load_batch(
                learner.shape,
                learner.read,
                learner.data,
                rows,
                learner.batch,
                learner.batch.p1,
                learner.arithmetic,
            )
            energy = update(learner, done + i, beta, learn=learn)
            if not np.isfinite(learner.output_errors()).all():
                return i + 1, math.nan
        return len(order), energy / order.shape[1]

    def _relax_then_step(
        self, learner: ChainTraining, done: int, beta: float, *, learn: bool
    ) -> float:
        relaxer, weights, energy = learner.relaxer, learner.read, 0.0
        nudged = self.nudging.kind != "none"
        size = len(learner.batch.x)
        for begin in range(0, size, relaxer.columns):
            width = min(relaxer.columns, size - begin)
            relaxer.start(weights, learner.batch, begin, width, beta=beta if nudged else None)
            made = relaxer.relax(weights, width, done=0, steps=self.relaxation.steps)
            learner.executed[made] += begin == 0
            relaxer.finish(learner.batch, begin, width)
            energy += sum(relaxer.energies(width))
        if learn:
            learner.step(
                self._stepped(learner.network.layers),
                done + 1,
                factor=-1.0 / size / (beta if nudged else 1.0),
            )
        return energy

    def _step_together(
        self, learner: ChainTraining, done: int, beta: float, *, learn: bool
    ) -> float:
        relaxer, weights = learner.relaxer, learner.read
        size, layers = len(learner.batch.x), learner.network.layers
        relaxer.start(weights, learner.batch, 0, size)
        for step in range(self.relaxation.steps):
            relaxer.finish(learner.batch, 0, size)
            relaxer.step_together(weights, done=step)
            if learn:
                learner.step(layers, done * self.relaxation.steps + step + 1, factor=-1.0 / size)
            relaxer.predict_again(weights, learner.batch)
        relaxer.finish(learner.batch, 0, size)
        return sum(relaxer.energies(size))

    def look_at(
        self,
        network: DenseNetwork,
        weights: Weights,
        x: np.ndarray,
        y: np.ndarray,
        *,
        numerics: Numerics | None = None,
        seed: int = 0,
    ) -> BatchResult:
        beta = None if self.nudging.kind == "none" else self.nudging.betas(0, first=0, count=1)[0]
        return infer(
            network,
            weights,
            x,
            y,
            relaxation=self.relaxation,
            beta=beta,
            numerics=numerics,
            seed=seed,
        )
