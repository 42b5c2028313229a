"""A graph in training: weights, moments and scratch, behind what the loop asks of any learner.

Samples do not meet during inference, so a batch goes through in blocks of samples whose values stay in a nearby
cache, unless they settle or learn together. In the numbers of a chip a batch is one block, as its tensors, which may
share a scale, are those of the chip.
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.jit import jit
from pcsim.engine.graph.arithmetic import GraphArithmetic
from pcsim.engine.graph.model import (
    GraphNetwork,
    GraphWeights,
    block_samples,
    by_place,
    flattened,
    views,
)
from pcsim.engine.kernels import layout
from pcsim.engine.kernels.arithmetic import EVALUATING
from pcsim.engine.kernels.optimisers import optimise
from pcsim.engine.rules import Algorithm
from pcsim.engine.setup import TrainingSetup


class GraphLearner:
    """As ``learner.Learner``, of a graph: ``x`` are rows (samples, values of an input), ``y`` (samples, classes).

    An evaluation is cut into blocks as large as a batch, each with tensors of its own.
    """

    def __init__(
        self, network: GraphNetwork, weights: GraphWeights, rule: Algorithm, setup: TrainingSetup
    ) -> None:
        x, y, numerics, seed = setup.x, setup.y, setup.numerics, setup.seed
        graph = network.graph
        self.network, self.rule, self.seed = network, rule, seed
        self.x, self.y = x.reshape(len(x), *graph.input), y.reshape(len(y), *graph.output.shape)
        flat = flattened(graph, weights, network.dtype)
        self.parameters = layout.Parameters(flat, np.zeros_like(flat), np.zeros_like(flat))
        self.flat_gradients = np.zeros_like(flat)
        self.gradients = by_place(views(graph, self.flat_gradients))
        self.done = 0
        self.arithmetic: GraphArithmetic | None = None
        if numerics is not None:
            self.arithmetic = GraphArithmetic(numerics, graph, flat, seed=seed, dtype=network.dtype)
        self.rounding = self.arithmetic.rounding if self.arithmetic else None
        read = self.arithmetic.read if self.arithmetic else flat
        in_blocks = rule.in_blocks and numerics is None
        self.block = block_samples(graph, setup.batch) if in_blocks else setup.batch
        self.passes = rule.passes_of(
            network, views(graph, read), self.block, self.rounding, seed=seed
        )
        self.executed = np.zeros(rule.steps + 1, np.int64)
        self.optimiser = layout.optimiser_of(
            setup.optimiser, updates=setup.updates_total, weight_steps=rule.weight_steps
        )
        self._room_x = np.empty((self.block, *graph.input), network.dtype)
        self._room_y = np.empty((self.block, *graph.output.shape), network.dtype)

    def updates(self, order: np.ndarray, *, done: int, learn: bool = True) -> tuple[int, float]:
        """Learn from each row of ``order`` (updates, batch), after ``done`` updates.

        Returns how many updates were made, fewer than asked for when the outputs stop being finite,
        and the rule's energy on the last batch. ``learn=False`` only measures.
        """
        made, energy = self._updates(order, done, learn=learn)
        if learn:
            self.done = done + made
        return made, energy

    def _updates(self, order: np.ndarray, done: int, *, learn: bool) -> tuple[int, float]:
        betas = self.rule.betas(self.seed, first=done, count=len(order))
        energy = 0.0
        with np.errstate(all="ignore"):  # What diverges is found by what it gives.
            for i, (rows, beta) in enumerate(zip(order, betas, strict=True)):
                last = i == len(order) - 1
                energy = self.rule.update(
                    self, rows, done + i, beta=beta, learn=learn, measure=last
                )
                if not math.isfinite(energy):
                    return i + 1, math.nan
        return len(order), energy / order.shape[1]

    def set_clock(self, update: int, step: int, part: int = 0) -> None:
        """The moment to which the random numbers of what follows belong."""
        if self.rounding is not None:
            self.rounding.at(update, step, part)

    def load(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The chosen samples."""
        x, y = self._room_x[: len(rows)], self._room_y[: len(rows)]
        np.take(self.x, rows, axis=0, out=x, mode="clip")  # Other modes would buffer.
        np.take(self.y, rows, axis=0, out=y, mode="clip")
        return x, y

    def step(self, count: int, factor: float) -> None:
        """The ``count``-th step of the weights; ``factor`` times what was summed is their gradient."""
        if self.arithmetic is not None:
            gradients = self.flat_gradients
            self.arithmetic.step(self.optimiser, count, factor, gradients, self.parameters)
            return
        weights, first, second = self.parameters
        step_all(self.optimiser, count, factor, self.flat_gradients, weights, first, second)

    def restore(self, parameters: layout.Parameters, *, done: int) -> None:
        """Take over weights and moments that were kept after ``done`` updates."""
        for mine, kept in zip(self.parameters, parameters, strict=True):
            mine[:] = kept
        self.done = done
        if self.arithmetic is not None:
            self.arithmetic.rewrite(done * self.rule.weight_steps)

    def weights(self) -> GraphWeights:
        """A copy of the weights, as ``initial_weights`` gives them."""
        return views(self.network.graph, self.parameters.weights.copy())

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """The feed-forward pass of rows (samples, values of an input): (values of an output, samples)."""
        graph = self.network.graph
        samples = x.reshape(len(x), *graph.input)
        found = np.empty((len(x), graph.output.size), self.network.dtype)
        with np.errstate(all="ignore"):
            for number, begin in enumerate(range(0, len(x), self.block)):
                self.set_clock(self.done, int(EVALUATING), number)
                part = samples[begin : begin + self.block]
                found[begin : begin + len(part)] = self.passes.outputs(part).reshape(len(part), -1)
        return found.T


@jit
def step_all(
    optimiser: layout.Optimiser,
    update: int,
    factor: float,
    product: np.ndarray,
    weights: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
) -> None:
    """A step of all weights of a graph, which have no scales of their own."""
    optimise(optimiser, update, factor, 1.0, product, weights, first, second, 0, 1, None)
