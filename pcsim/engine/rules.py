"""How does a rule change the weights? A learner holds weights, moments and scratch; its rule moves them.

A new rule is one more class with the same three methods; the loop in learn.py knows no rule by
name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pcsim.engine.inference import BatchResult, backpropagate, infer
from pcsim.engine.kernels import layout
from pcsim.engine.kernels.backpropagation import backpropagation_updates
from pcsim.engine.kernels.passes import outputs
from pcsim.engine.kernels.predictive_coding import predictive_coding_updates
from pcsim.engine.network import Network, Weights


class Rule(Protocol):
    """A learning rule with its settings."""

    def block_columns(self, network: Network, batch: int) -> int:
        """Samples that the rule's scratch must hold."""

    def updates(
        self, learner: Learner, order: np.ndarray, *, done: int, learn: bool
    ) -> tuple[int, float]:
        """As Learner.updates."""

    def look_at(
        self, network: Network, weights: Weights, x: np.ndarray, y: np.ndarray
    ) -> BatchResult:
        """What the rule computes on one batch."""


@dataclass(frozen=True)
class PredictiveCoding:
    """``steps`` jacobi inference steps of per-sample size ``rate``, then one weight update."""

    steps: int
    rate: float
    wavefront: bool = True

    def block_columns(self, network: Network, batch: int) -> int:
        return layout.block_columns(network, batch)

    def updates(
        self, learner: Learner, order: np.ndarray, *, done: int, learn: bool
    ) -> tuple[int, float]:
        columns = self.block_columns(learner.network, order.shape[1])
        return predictive_coding_updates(
            learner.shape,
            learner.parameters,
            learner.data,
            order,
            done,
            learner.optimiser,
            layout.Inference(columns, 0, self.steps, float(self.rate), self.wavefront),
            learner.batch,
            learner.block,
            learn,
        )

    def look_at(
        self, network: Network, weights: Weights, x: np.ndarray, y: np.ndarray
    ) -> BatchResult:
        return infer(
            network, weights, x, y, steps=self.steps, rate=self.rate, wavefront=self.wavefront
        )


@dataclass(frozen=True)
class Backpropagation:
    """One forward and one backward pass, then one weight update."""

    def block_columns(self, network: Network, batch: int) -> int:
        return batch

    def updates(
        self, learner: Learner, order: np.ndarray, *, done: int, learn: bool
    ) -> tuple[int, float]:
        return backpropagation_updates(
            learner.shape,
            learner.parameters,
            learner.data,
            order,
            done,
            learner.optimiser,
            learner.batch,
            learner.block,
            learn,
        )

    def look_at(
        self, network: Network, weights: Weights, x: np.ndarray, y: np.ndarray
    ) -> BatchResult:
        return backpropagate(network, weights, x, y)


class Learner:
    """A network in training.

    ``x``, ``y`` are the training part, C-ordered and of the network's dtype; ``optimiser`` is
    (kind, rate).
    """

    def __init__(
        self,
        network: Network,
        weights: Weights,
        *,
        rule: Rule,
        x: np.ndarray,
        y: np.ndarray,
        batch: int,
        optimiser: tuple[str, float],
    ) -> None:
        self.network = network
        self.rule = rule
        self.shape = layout.shape_of(network)
        self.parameters = layout.new_parameters(network, weights)
        self.data = layout.Data(x, y)
        self.batch = layout.new_batch(network, batch)
        self.block = layout.new_block(network, rule.block_columns(network, batch))
        self.optimiser = layout.optimiser_of(*optimiser)

    def updates(self, order: np.ndarray, *, done: int, learn: bool = True) -> tuple[int, float]:
        """Learn from each row of ``order`` (updates, batch), after ``done`` updates.

        Returns how many updates were made, fewer than asked for when the outputs stop being finite,
        and the rule's energy on the last batch. ``learn=False`` only measures.
        """
        return self.rule.updates(self, order, done=done, learn=learn)

    def restore(self, parameters: layout.Parameters) -> None:
        """Take over weights and moments that were kept."""
        for mine, kept in zip(self.parameters, parameters, strict=True):
            mine[:] = kept

    def weights(self) -> Weights:
        """A copy of W_1..W_L."""
        at, widths = self.shape.weight_at, self.network.widths
        return tuple(
            self.parameters.weights[at[layer] : at[layer + 1]].reshape(widths[layer], -1).copy()
            for layer in range(1, self.network.layers + 1)
        )

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """The feed-forward pass of (samples, input width): (output width, samples)."""
        room = np.empty((2, sum(self.network.widths[1:]) * len(x)), self.network.dtype)
        return outputs(self.shape, self.parameters.weights, x, room[0], room[1])
