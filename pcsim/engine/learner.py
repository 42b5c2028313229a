"""A chain of dense layers in training: weights, moments and scratch, which its rule moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.arithmetic import new_arithmetic, rewrite, rounded_weights
from pcsim.engine.kernels import layout
from pcsim.engine.kernels.arithmetic import EVALUATING
from pcsim.engine.kernels.passes import outputs, step_weights
from pcsim.engine.network import DenseNetwork, Weights
from pcsim.engine.rules import Algorithm
from pcsim.engine.setup import TrainingSetup

if TYPE_CHECKING:
    pass


class Learner:
    """A network in training.

    ``executed[t]`` counts the batches that settled after t steps, of rules whose inference can stop early.
    """

    def __init__(
        self, network: DenseNetwork, weights: Weights, rule: Algorithm, setup: TrainingSetup
    ) -> None:
        numerics, seed, batch = setup.numerics, setup.seed, setup.batch
        self.network = network
        self.rule = rule
        self.shape = layout.shape_of(network)
        held = rounded_weights(numerics, weights, seed=seed)
        self.parameters = layout.new_parameters(network, held, scaled=numerics is None)
        self.arithmetic = new_arithmetic(numerics, network, self.parameters.weights, seed=seed)
        self.read = self.arithmetic.read if self.arithmetic else self.parameters.weights
        self.done = 0
        self.data = layout.Data(setup.x, setup.y)
        self.batch = layout.new_batch(network, batch)
        on_chains = rule.on_chains
        assert on_chains is not None, "other rules take a chain as a graph"
        self.on_chains = on_chains
        self.relaxer = on_chains.relaxer(network, batch, self.arithmetic)
        self.executed = np.zeros(self.relaxer.relaxation.steps + 1, np.int64)
        self.optimiser = layout.optimiser_of(
            setup.optimiser, updates=setup.updates_total, weight_steps=rule.weight_steps
        )
        self.seed = seed

    def updates(self, order: np.ndarray, *, done: int, learn: bool = True) -> tuple[int, float]:
        """Learn from each row of ``order`` (updates, batch), after ``done`` updates.

        Returns how many updates were made, fewer than asked for when the outputs stop being finite,
        and the rule's energy on the last batch. ``learn=False`` only measures.
        """
        made, energy = self.on_chains.updates(self, order, done=done, learn=learn)
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
            steps = done * self.rule.weight_steps
            rewrite(self.arithmetic, self.network, self.parameters.weights, count=steps)

    def weights(self) -> Weights:
        """A copy of the weights, and biases, as ``initial_weights`` gives them."""
        return layout.layered(self.network, self.parameters.weights, scaled=self.arithmetic is None)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """The feed-forward pass of (samples, input width): (output width, samples)."""
        room = np.empty((2, sum(self.network.widths[1:]) * len(x)), self.network.dtype)
        self.set_clock(self.done, int(EVALUATING))
        return outputs(self.shape, self.read, x, room[0], room[1], self.arithmetic)
