"""What does a rule compute on one batch of a graph? What training runs, opened up for tests, theory and the profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.graph.arithmetic import GraphArithmetic
from pcsim.engine.graph.model import GraphNetwork, GraphWeights, by_place, flattened, views
from pcsim.engine.graph.relaxer import GraphRelaxer
from pcsim.engine.relaxation import Relaxation

if TYPE_CHECKING:
    from pcsim.config import Numerics


@dataclass(frozen=True)
class GraphResult:
    """What one batch gave, in ``len(energies) - 1`` inference steps.

    Tuples run over the nodes 1..L, arrays of states and errors are (samples, *shape). ``states`` ends with the
    output's prediction; ``errors`` are z - p, at the output y - p or y - softmax(p) (bp: with the same sign,
    propagated from there). ``energies`` (steps + 1, L) is each node's share of F after t steps, a mean over the
    batch; for bp one row, zero but for the loss. ``active_states`` and ``active_errors`` (steps + 1, L) count what
    is not zero, as in Profile; ``gradients`` are of F, or of the loss, by the keys of ``Graph.parameters``.
    """

    states: tuple[np.ndarray, ...]
    errors: tuple[np.ndarray, ...]
    energies: np.ndarray
    active_states: np.ndarray
    active_errors: np.ndarray
    gradients: GraphWeights

    @property
    def steps(self) -> int:
        """The inference steps that were made."""
        return len(self.energies) - 1


def infer(
    network: GraphNetwork,
    weights: Mapping[str, np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    *,
    relaxation: Relaxation,
    beta: float | None = None,
    numerics: Numerics | None = None,
    seed: int = 0,
) -> GraphResult:
    """Predictive coding on x (samples, *input), y (samples, *output), nudged by ``beta`` if given.

    Weights stay as they are, also with variant ipc, whose gradients are the sums over all steps. ``numerics`` are
    number formats to compute in, with the random numbers of ``seed``; x and y are in the format of states then.
    """
    look = _Look(network, weights, x, y, relaxation, numerics, seed)
    relaxer = look.relaxer
    relaxer.start(look.x, look.y, beta=beta)
    look.record()
    for _ in range(relaxation.steps):
        if relaxation.variant == "ipc":
            look.learn()
            relaxer.move_together()
            relaxer.predict_again()
        else:
            relaxer.relax(steps=1)
        look.record()
        before, after = (float(look.energies[t].sum()) for t in (-2, -1))
        if relaxation.tolerance > 0 and not before - after > relaxation.tolerance * before:
            break
    if relaxation.variant != "ipc" or not relaxation.steps:
        look.learn()
    return look.result(1.0 if beta is None else beta)


def backpropagate(
    network: GraphNetwork,
    weights: Mapping[str, np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    *,
    numerics: Numerics | None = None,
    seed: int = 0,
) -> GraphResult:
    """Backpropagation on x (samples, *input), y (samples, *output); the loss is ``energies[0, -1]``.

    ``numerics`` and ``seed`` as in ``infer``.
    """
    look = _Look(network, weights, x, y, Relaxation(steps=0, rate=1.0), numerics, seed)
    look.relaxer.start_backpropagation(look.x, look.y)
    look.record()
    look.energies[0][:-1] = 0.0
    look.learn()
    return look.result(1.0)


class _Look:
    """A relaxer on a batch of its own, and what is recorded of it."""

    def __init__(
        self,
        network: GraphNetwork,
        weights: Mapping[str, np.ndarray],
        x: np.ndarray,
        y: np.ndarray,
        relaxation: Relaxation,
        numerics: Numerics | None,
        seed: int,
    ) -> None:
        graph, dtype = network.graph, network.dtype
        self.x = np.ascontiguousarray(x, dtype).reshape(len(x), *graph.input)
        self.y = np.ascontiguousarray(y, dtype).reshape(len(y), *graph.output.shape)
        self.flat = flattened(graph, weights, dtype)
        self.arithmetic: GraphArithmetic | None = None
        if numerics is not None:
            self.arithmetic = GraphArithmetic(numerics, graph, self.flat, seed=seed, dtype=dtype)
        read = self.arithmetic.read if self.arithmetic else self.flat
        rounding = self.arithmetic.rounding if self.arithmetic else None
        self.relaxer = GraphRelaxer(network, views(graph, read), relaxation, len(x), rounding)
        self.gradients = np.zeros_like(self.flat)
        self.energies: list[np.ndarray] = []
        self.active_states: list[list[int]] = []
        self.active_errors: list[list[int]] = []

    def record(self) -> None:
        relaxer, numbers = self.relaxer, self.relaxer.everyone
        self.energies.append(np.array(relaxer.energies()) / len(self.x))
        self.active_states.append([int(np.count_nonzero(relaxer.heard(n))) for n in numbers])
        self.active_errors.append([int(np.count_nonzero(relaxer.e[n])) for n in numbers])

    def learn(self) -> None:
        graph = self.relaxer.graph
        self.relaxer.learn(by_place(views(graph, self.gradients)))

    def result(self, beta: float) -> GraphResult:
        relaxer, graph = self.relaxer, self.relaxer.graph
        states = [relaxer.z[node.number].copy() for node in graph.hidden]
        factor = -1.0 / len(self.x) / beta
        if self.arithmetic is None:
            gradients = self.gradients * self.flat.dtype.type(factor)
        else:
            gradients = self.arithmetic.scaled(self.gradients, factor)
        return GraphResult(
            states=(*states, relaxer.p[relaxer.output].copy()),
            errors=tuple(relaxer.e[n].copy() for n in relaxer.everyone),
            energies=np.array(self.energies),
            active_states=np.array(self.active_states),
            active_errors=np.array(self.active_errors),
            gradients=views(graph, gradients),
        )
