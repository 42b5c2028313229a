"""How does a rule change the weights? A learner holds weights, moments and scratch; its rule moves them.

A new rule is one more class with the same methods; the loop in loop.py knows no rule by name. The
plain rules run whole stretches of updates in compiled code; the others compile only their parts,
and are driven from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from pcsim.engine.inference import BatchResult, backpropagate, infer
from pcsim.engine.kernels import layout
from pcsim.engine.kernels.backpropagation import backpropagation_updates
from pcsim.engine.kernels.passes import load_batch, outputs, step_weights
from pcsim.engine.kernels.predictive_coding import predictive_coding_updates
from pcsim.engine.network import Network, Weights
from pcsim.engine.optimiser import WeightOptimiser
from pcsim.engine.relaxation import Nudging, Relaxation
from pcsim.engine.relaxer import Relaxer
from pcsim.engine.stability import rate_limit


class Rule(Protocol):
    """A learning rule with its settings."""

    @property
    def settles(self) -> bool:
        """Whether batches differ in how many inference steps they take."""

    def weight_steps(self) -> int:
        """How often an update steps the weights."""

    def rate_limit(self, network: Network, weights: Weights, x: np.ndarray) -> float | None:
        """The inference rate beyond which ``x`` does not settle; None where no bound is known."""

    def relaxer(self, network: Network, batch: int) -> Relaxer:
        """Scratch for a batch of that size."""

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
    """Inference as ``relaxation`` says, then one weight update, with variant ipc one at every step."""

    relaxation: Relaxation
    nudging: Nudging = field(default_factory=Nudging)

    @property
    def settles(self) -> bool:
        return self.relaxation.tolerance > 0

    def rate_limit(self, network: Network, weights: Weights, x: np.ndarray) -> float | None:
        return rate_limit(network, weights, x, relaxation=self.relaxation)

    def weight_steps(self) -> int:
        return self.relaxation.steps if self.relaxation.variant == "ipc" else 1

    def relaxer(self, network: Network, batch: int) -> Relaxer:
        return Relaxer(network, self.relaxation, batch)

    def updates(
        self, learner: Learner, order: np.ndarray, *, done: int, learn: bool
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
            )
        energy = 0.0
        betas = self.nudging.betas(learner.seed, first=done, count=len(order))
        update = self._step_together if how.variant == "ipc" else self._relax_then_step
        for i, (rows, beta) in enumerate(zip(order, betas, strict=True)):
            load_batch(
                learner.shape,
                learner.parameters.weights,
                learner.data,
                rows,
                learner.batch,
                learner.batch.p1,
            )
            energy = update(learner, done + i, beta, learn=learn)
            if not np.isfinite(learner.output_errors()).all():
                return i + 1, math.nan
        return len(order), energy / order.shape[1]

    def _relax_then_step(self, learner: Learner, done: int, beta: float, *, learn: bool) -> float:
        relaxer, weights, energy = learner.relaxer, learner.parameters.weights, 0.0
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
            reached = self.relaxation.reached(learner.network.layers)
            learner.step(reached, done + 1, factor=-1.0 / size / (beta if nudged else 1.0))
        return energy

    def _step_together(self, learner: Learner, done: int, beta: float, *, learn: bool) -> float:
        relaxer, weights = learner.relaxer, learner.parameters.weights
        size, layers = len(learner.batch.x), learner.network.layers
        relaxer.start(weights, learner.batch, 0, size)
        for step in range(self.relaxation.steps):
            relaxer.finish(learner.batch, 0, size)
            relaxer.step_together(weights)
            if learn:
                learner.step(layers, done * self.relaxation.steps + step + 1, factor=-1.0 / size)
            relaxer.predict_again(weights, learner.batch)
        relaxer.finish(learner.batch, 0, size)
        return sum(relaxer.energies(size))

    def look_at(
        self, network: Network, weights: Weights, x: np.ndarray, y: np.ndarray
    ) -> BatchResult:
        beta = None if self.nudging.kind == "none" else self.nudging.betas(0, first=0, count=1)[0]
        return infer(network, weights, x, y, relaxation=self.relaxation, beta=beta)


@dataclass(frozen=True)
class Backpropagation:
    """One forward and one backward pass, then one weight update."""

    @property
    def settles(self) -> bool:
        return False

    def rate_limit(self, network: Network, weights: Weights, x: np.ndarray) -> float | None:
        return None

    def weight_steps(self) -> int:
        return 1

    def relaxer(self, network: Network, batch: int) -> Relaxer:
        return Relaxer(network, Relaxation(steps=0, rate=1.0, variant="ipc"), batch)

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
            learner.relaxer.block,
            learn,
        )

    def look_at(
        self, network: Network, weights: Weights, x: np.ndarray, y: np.ndarray
    ) -> BatchResult:
        return backpropagate(network, weights, x, y)


class Learner:
    """A network in training.

    ``x``, ``y`` are the training part, C-ordered and of the network's dtype; ``updates_total`` is
    the length of the whole training, which some schedules of learning rates depend on; ``seed``
    decides the signs of centred nudging. ``executed[t]`` counts the batches that settled after t
    steps, of rules whose inference can stop early.
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
        optimiser: WeightOptimiser,
        updates_total: int,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.rule = rule
        self.shape = layout.shape_of(network)
        self.parameters = layout.new_parameters(network, weights)
        self.data = layout.Data(x, y)
        self.batch = layout.new_batch(network, batch)
        self.relaxer = rule.relaxer(network, batch)
        self.executed = np.zeros(self.relaxer.relaxation.steps + 1, np.int64)
        self.optimiser = layout.optimiser_of(
            optimiser, updates=updates_total, weight_steps=rule.weight_steps()
        )
        self.seed = seed

    def updates(self, order: np.ndarray, *, done: int, learn: bool = True) -> tuple[int, float]:
        """Learn from each row of ``order`` (updates, batch), after ``done`` updates.

        Returns how many updates were made, fewer than asked for when the outputs stop being finite,
        and the rule's energy on the last batch. ``learn=False`` only measures.
        """
        return self.rule.updates(self, order, done=done, learn=learn)

    def step(self, reached: int, count: int, *, factor: float) -> None:
        """The ``count``-th step of the weights; ``factor`` times e a^T is a gradient."""
        step_weights(
            self.shape, self.parameters, self.batch, reached, count, factor, self.optimiser
        )

    def output_errors(self) -> np.ndarray:
        """Of the last batch, flat."""
        return self.batch.d[self.shape.unit_at[self.network.layers] * len(self.batch.x) :]

    def restore(self, parameters: layout.Parameters) -> None:
        """Take over weights and moments that were kept."""
        for mine, kept in zip(self.parameters, parameters, strict=True):
            mine[:] = kept

    def weights(self) -> Weights:
        """A copy of the weights, and biases, as ``initial_weights`` gives them."""
        return layout.unscaled(self.network, self.parameters.weights)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """The feed-forward pass of (samples, input width): (output width, samples)."""
        room = np.empty((2, sum(self.network.widths[1:]) * len(x)), self.network.dtype)
        return outputs(self.shape, self.parameters.weights, x, room[0], room[1])
