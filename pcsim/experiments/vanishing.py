"""How much of an update is left once it is rounded? Of states step by step and of weights, layer by layer.

An update is meant to move a value by d and moves it by D. It has vanished where d is not 0 and D is. What remains
in a layer is sum D d / sum d^2: 1 where rounding is right on average, 0 where nothing moves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pcsim.theory.energy import pulled_back
from pcsim.theory.networks import ReferenceNetwork

if TYPE_CHECKING:
    from pcsim.engine import BatchResult
    from pcsim.engine.learner import Learner
    from pcsim.engine.loop import Course
    from pcsim.engine.network import Weights


@dataclass
class Moves:
    """What became of the updates of one layer, added up."""

    meant: int = 0
    vanished: int = 0
    along: float = 0.0
    squares: float = 0.0

    def add(self, meant: np.ndarray, made: np.ndarray) -> None:
        """Count updates; both arrays are of one shape."""
        moving = meant != 0
        self.meant += int(moving.sum())
        self.vanished += int((moving & (made == 0)).sum())
        self.along += float((meant * made).sum())
        self.squares += float((meant * meant).sum())

    @property
    def vanished_share(self) -> float:
        """Of the updates that were meant to move something, those that do not; 0 where none was."""
        return self.vanished / self.meant if self.meant else 0.0

    @property
    def remains(self) -> float:
        """Sum of D d over that of d^2; 1 where nothing was meant."""
        return self.along / self.squares if self.squares else 1.0


def state_moves(course: Course, weights: Weights, rows: np.ndarray) -> list[Moves]:
    """Of hidden layers 1..L-1 over all inference steps on one batch, with random bits of seed 0.

    d is -eta times the gradient by a state, computed in float64 from the states and errors that the step reads;
    the networks are those of ``theory``, with placement pre and the squared error.
    """
    from pcsim.engine import infer
    from pcsim.engine.rules import Relaxing

    assert isinstance(course.rule, Relaxing)
    train, how = course.dataset.train, course.rule.relaxation
    x, y = train.x[rows], train.y[rows]
    network = course.chain
    activation = network.activation
    assert activation != "leaky_relu" and activation != "gelu"
    reference = ReferenceNetwork(weights, network.scales, network.skipped, activation)
    reference = reference.astype("float64")
    moves = [Moves() for _ in range(network.layers - 1)]
    before: BatchResult | None = None
    for steps in range(how.steps + 1):
        now = infer(
            network,
            weights,
            x,
            y,
            relaxation=replace(how, steps=steps),
            numerics=course.numerics,
        )
        if before is not None:
            meant = _meant(reference, before, how.rate)
            for layer, (found, d) in enumerate(zip(moves, meant, strict=True)):
                made = now.states[layer].astype(np.float64) - before.states[layer]
                found.add(d, made)
        before = now
    return moves


def _meant(network: ReferenceNetwork, at: BatchResult, rate: float) -> list[np.ndarray]:
    """The steps that hidden states are meant to make from where they are."""
    e = [error.astype(np.float64) for error in at.errors]
    z = [state.astype(np.float64) for state in at.states]
    return [
        -rate * (e[k] - pulled_back(network, e[k + 1], z[k], layer=k + 2))
        for k in range(network.layers - 1)
    ]


def weight_moves(course: Course, learner: Learner, order: np.ndarray) -> list[Moves]:
    """Of layers 1..L over the updates of ``order``, which ``learner`` makes; its optimiser is Adam.

    d is Adam's step, computed in float64 from the moments that it reads.
    """
    from pcsim.engine.kernels.layout import layered

    assert course.optimiser.kind == "adam"
    moves = [Moves() for _ in range(course.chain.layers)]
    for rows in order:
        before, count = learner.weights(), learner.done + 1
        learner.updates(rows[None], done=learner.done)
        first, second = (
            layered(course.chain, moment, scaled=False)
            for moment in (learner.parameters.first, learner.parameters.second)
        )
        for found, was, now, m, v in zip(
            moves, before, learner.weights(), first, second, strict=True
        ):
            mean = m.astype(np.float64) / (1 - 0.9**count)
            root = np.sqrt(v.astype(np.float64) / (1 - 0.999**count))
            found.add(-course.optimiser.rate * mean / (root + 1e-8), now.astype(np.float64) - was)
    return moves
