"""Backpropagation: one pass forward and one back, then one weight update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.inference import BatchResult, backpropagate
from pcsim.engine.kernels.arithmetic import Arithmetic
from pcsim.engine.kernels.backpropagation import backpropagation_updates
from pcsim.engine.network import DenseNetwork, Weights
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.relaxer import Relaxer
from pcsim.engine.rules.algorithm import Algorithm
from pcsim.engine.rules.chains import ChainTraining

if TYPE_CHECKING:
    from pcsim.config import Numerics


class BackwardPass(Algorithm):
    """The errors are the loss's derivatives by every node's value."""

    @property
    def on_chains(self) -> BackwardPassOnChains:
        return BackwardPassOnChains()


@dataclass(frozen=True)
class BackwardPassOnChains:
    """The same by the kernels of chains of dense layers."""

    @property
    def errors_are_differences(self) -> bool:
        return False

    def reach(self, layers: int) -> int:
        return layers

    def rate_limit(self, network: DenseNetwork, weights: Weights, x: np.ndarray) -> float | None:
        return None

    def relaxer(self, network: DenseNetwork, batch: int, arithmetic: Arithmetic | None) -> Relaxer:
        return Relaxer(network, Relaxation(steps=0, rate=1.0, variant="ipc"), batch, arithmetic)

    def updates(
        self, learner: ChainTraining, order: np.ndarray, *, done: int, learn: bool
    ) -> tuple[int, float]:
        return backpropagation_updates(
            learner.shape,
            learner.parameters,
            learner.data,
            order,
            done,
            learner.optimiser,
            learner.batch,
            learner.relaxer.block,
            learn,
            learner.arithmetic,
        )

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
        return backpropagate(network, weights, x, y, numerics=numerics, seed=seed)
