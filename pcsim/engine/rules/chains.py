"""What a rule with kernels of its own for chains of dense layers answers: stretches of updates in compiled code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from pcsim.engine.inference import BatchResult
from pcsim.engine.kernels import layout
from pcsim.engine.kernels.arithmetic import Arithmetic
from pcsim.engine.network import DenseNetwork, Weights
from pcsim.engine.relaxer import Relaxer

if TYPE_CHECKING:
    from pcsim.config import Numerics


class ChainTraining(Protocol):
    """What updates change: the learner of a chain, as its rule sees it."""

    network: DenseNetwork
    shape: layout.Shape
    parameters: layout.Parameters
    data: layout.Data
    batch: layout.Batch
    relaxer: Relaxer
    optimiser: layout.Optimiser
    arithmetic: Arithmetic | None
    read: np.ndarray
    executed: np.ndarray
    seed: int

    def set_clock(self, update: int, step: int) -> None:
        """The moment to which the random numbers of what follows belong."""

    def step(self, reached: int, count: int, *, factor: float) -> None:
        """The ``count``-th step of the weights; ``factor`` times e a^T is a gradient."""

    def output_errors(self) -> np.ndarray:
        """Of the last batch, flat."""


class OnChains(Protocol):
    """A learning rule on chains, as its ``Algorithm`` is on graphs."""

    @property
    def errors_are_differences(self) -> bool:
        """Whether a layer's error is computed as state minus prediction, which rounding limits."""

    def reach(self, layers: int) -> int:
        """How many layers, from the output down, errors can have reached after all steps."""

    def rate_limit(self, network: DenseNetwork, weights: Weights, x: np.ndarray) -> float | None:
        """The inference rate beyond which ``x`` does not settle; None where no bound is known."""

    def relaxer(self, network: DenseNetwork, batch: int, arithmetic: Arithmetic | None) -> Relaxer:
        """Scratch for a batch of that size."""

    def updates(
        self, learner: ChainTraining, order: np.ndarray, *, done: int, learn: bool
    ) -> tuple[int, float]:
        """As Learner.updates."""

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
        """What the rule computes on one batch, in ``numerics`` with the random numbers of ``seed``."""
