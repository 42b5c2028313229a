"""How does a rule change the weights? A learner holds weights, moments and scratch; its rule moves them.

A new rule is one more class with the same methods; the loop in loop.py knows no rule by name. The
plain rules run whole stretches of updates in compiled code; the others compile only their parts,
and are driven from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pcsim.engine.arithmetic import new_arithmetic, rewrite, rounded_weights
from pcsim.engine.inference import BatchResult, backpropagate, infer
from pcsim.engine.kernels import layout
from pcsim.engine.kernels.arithmetic import EVALUATING, Arithmetic
from pcsim.engine.kernels.backpropagation import backpropagation_updates
from pcsim.engine.kernels.passes import load_batch, outputs, step_weights
from pcsim.engine.kernels.predictive_coding import predictive_coding_updates
from pcsim.engine.network import DenseNetwork, Weights
from pcsim.engine.relaxation import Nudging, Relaxation
from pcsim.engine.relaxer import Relaxer
from pcsim.engine.setup import TrainingSetup
from pcsim.engine.stability import rate_limit
from pcsim.network import credited_in_chain

if TYPE_CHECKING:
    from pcsim.config import Numerics


class Rule(Protocol):
    """A learning rule with its settings."""

    @property
    def settles(self) -> bool:
        """Whether batches differ in how many inference steps they take."""

    @property
    def errors_are_differences(self) -> bool:
        """Whether a layer's error is computed as state minus prediction, which rounding limits."""

    def reach(self, layers: int) -> int:
        """How many layers, from the output down, errors can have reached after all steps."""

    def weight_steps(self) -> int:
        """How often an update steps the weights."""

    def rate_limit(self, network: DenseNetwork, weights: Weights, x: np.ndarray) -> float | None:
        """The inference rate beyond which ``x`` does not settle; None where no bound is known."""

    def relaxer(self, network: DenseNetwork, batch: int, arithmetic: Arithmetic | None) -> Relaxer:
        """Scratch for a batch of that size."""

    def updates(
        self, learner: Learner, order: np.ndarray, *, done: int, learn: bool
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


@dataclass(frozen=True)
class PredictiveCoding:
    """Inference as ``relaxation`` says, then one weight update, with variant ipc one at every step."""

    relaxation: Relaxation
    nudging: Nudging = field(default_factory=Nudging)

    @property
    def settles(self) -> bool:
        return self.relaxation.tolerance > 0

    @property
    def errors_are_differences(self) -> bool:
        return self.relaxation.variant != "epc"

    def reach(self, layers: int) -> int:
        how = self.relaxation
        return credited_in_chain(layers, how.variant, how.order, how.steps)

    def rate_limit(self, network: DenseNetwork, weights: Weights, x: np.ndarray) -> float | None:
        return rate_limit(network, weights, x, relaxation=self.relaxation)

    def weight_steps(self) -> int:
        return self.relaxation.steps if self.relaxation.variant == "ipc" else 1

    def relaxer(self, network: DenseNetwork, batch: int, arithmetic: Arithmetic | None) -> Relaxer:
        return Relaxer(network, self.relaxation, batch, arithmetic)

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
                learner.arithmetic,
            )
        energy = 0.0
        betas = self.nudging.betas(learner.seed, first=done, count=len(order))
        update = self._step_together if how.variant == "ipc" else self._relax_then_step
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

    def _relax_then_step(self, learner: Learner, done: int, beta: float, *, learn: bool) -> float:
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
            reached = self.relaxation.reached(learner.network.layers)
            learner.step(reached, done + 1, factor=-1.0 / size / (beta if nudged else 1.0))
        return energy

    def _step_together(self, learner: Learner, done: int, beta: float, *, learn: bool) -> float:
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


@dataclass(frozen=True)
class Backpropagation:
    """One forward and one backward pass, then one weight update."""

    @property
    def settles(self) -> bool:
        return False

    @property
    def errors_are_differences(self) -> bool:
        return False

    def reach(self, layers: int) -> int:
        return layers

    def rate_limit(self, network: DenseNetwork, weights: Weights, x: np.ndarray) -> float | None:
        return None

    def weight_steps(self) -> int:
        return 1

    def relaxer(self, network: DenseNetwork, batch: int, arithmetic: Arithmetic | None) -> Relaxer:
        return Relaxer(network, Relaxation(steps=0, rate=1.0, variant="ipc"), batch, arithmetic)

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


class Learner:
    """A network in training.

    ``executed[t]`` counts the batches that settled after t steps, of rules whose inference can stop early.
    """

    def __init__(
        self, network: DenseNetwork, weights: Weights, rule: Rule, setup: TrainingSetup
    ) -> None:
        numerics, seed = setup.numerics, setup.seed
        self.network = network
        self.rule = rule
        self.shape = layout.shape_of(network)
        held = rounded_weights(numerics, weights, seed=seed)
        self.parameters = layout.new_parameters(network, held, scaled=numerics is None)
        self.arithmetic = new_arithmetic(numerics, network, self.parameters.weights, seed=seed)
        self.read = self.arithmetic.read if self.arithmetic else self.parameters.weights
        self.done = 0
        self.data = layout.Data(setup.x, setup.y)
        self.batch = layout.new_batch(network, setup.batch)
        self.relaxer = rule.relaxer(network, setup.batch, self.arithmetic)
        self.executed = np.zeros(self.relaxer.relaxation.steps + 1, np.int64)
        self.optimiser = layout.optimiser_of(
            setup.optimiser, updates=setup.updates_total, weight_steps=rule.weight_steps()
        )
        self.seed = seed

    def updates(self, order: np.ndarray, *, done: int, learn: bool = True) -> tuple[int, float]:
        """Learn from each row of ``order`` (updates, batch), after ``done`` updates.

        Returns how many updates were made, fewer than asked for when the outputs stop being finite,
        and the rule's energy on the last batch. ``learn=False`` only measures.
        """
        made, energy = self.rule.updates(self, order, done=done, learn=learn)
        if learn:
            self.done = done + made
        return made, energy

    def step(self, reached: int, count: int, *, factor: float) -> None:
        """The ``count``-th step of the weights; ``factor`` times e a^T is a gradient."""
        step_weights(
            self.shape,
            self.parameters,
            self.batch,
            reached,
            count,
            factor,
            self.optimiser,
            self.arithmetic,
        )

    def set_clock(self, update: int, step: int) -> None:
        """The moment to which the random numbers of what follows belong."""
        if self.arithmetic:
            self.arithmetic.clock[:] = update, step

    def output_errors(self) -> np.ndarray:
        """Of the last batch, flat."""
        return self.batch.d[self.shape.unit_at[self.network.layers] * len(self.batch.x) :]

    def restore(self, parameters: layout.Parameters, *, done: int) -> None:
        """Take over weights and moments that were kept after ``done`` updates."""
        for mine, kept in zip(self.parameters, parameters, strict=True):
            mine[:] = kept
        self.done = done
        if self.arithmetic:
            steps = done * self.rule.weight_steps()
            rewrite(self.arithmetic, self.network, self.parameters.weights, count=steps)

    def weights(self) -> Weights:
        """A copy of the weights, and biases, as ``initial_weights`` gives them."""
        return layout.layered(self.network, self.parameters.weights, scaled=self.arithmetic is None)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """The feed-forward pass of (samples, input width): (output width, samples)."""
        room = np.empty((2, sum(self.network.widths[1:]) * len(x)), self.network.dtype)
        self.set_clock(self.done, int(EVALUATING))
        return outputs(self.shape, self.read, x, room[0], room[1], self.arithmetic)
