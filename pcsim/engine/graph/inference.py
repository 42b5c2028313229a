"""What does a rule compute on one batch of a graph? What training runs, opened up for tests, theory and the profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from pcsim.engine.graph.arithmetic import GraphArithmetic
from pcsim.engine.graph.model import GraphNetwork, GraphWeights, by_place, flattened, views
from pcsim.engine.graph.passes import GraphPasses
from pcsim.engine.graph.relaxers import relaxer_of
from pcsim.engine.operators.rounding import Rounding
from pcsim.engine.relaxation import Relaxation

if TYPE_CHECKING:
    from pcsim.config import Numerics

Passes = TypeVar("Passes", bound=GraphPasses)


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
    look = _Look(network, x, y, weights, numerics, seed)
    relaxer = relaxer_of(network, look.read, relaxation, len(x), look.rounding)
    look.passes = relaxer
    relaxer.start(look.x, look.y, beta=beta)
    look.record()
    for _ in range(relaxation.steps):
        if relaxer.learns_along:
            look.learn()
            relaxer.move_together()
            relaxer.predict_again()
        else:
            relaxer.relax(steps=1)
        look.record()
        before, after = (float(look.energies[t].sum()) for t in (-2, -1))
        if relaxation.tolerance > 0 and not before - after > relaxation.tolerance * before:
            break
    if not relaxer.learns_along or not relaxation.steps:
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
    return look_once(
        network,
        weights,
        x,
        y,
        passes_of=lambda *given: GraphPasses(network, *given),
        find_errors=GraphPasses.start_backpropagation,
        numerics=numerics,
        seed=seed,
    )


def look_once(
    network: GraphNetwork,
    weights: Mapping[str, np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    *,
    passes_of: Callable[[Mapping[str, np.ndarray], int, Rounding | None], Passes],
    find_errors: Callable[[Passes, np.ndarray, np.ndarray], object],
    numerics: Numerics | None,
    seed: int,
) -> GraphResult:
    """As ``backpropagate``, by any rule without inference steps: its room, and what leaves its errors in ``e``."""
    look = _Look(network, x, y, weights, numerics, seed)
    passes = passes_of(look.read, len(x), look.rounding)
    look.passes = passes
    find_errors(passes, look.x, look.y)
    look.record()
    look.energies[0][:-1] = 0.0
    look.learn()
    return look.result(1.0)


class _Look:
    """A batch of its own, and what is recorded of its ``passes``, which are to be given."""

    passes: GraphPasses

    def __init__(
        self,
        network: GraphNetwork,
        x: np.ndarray,
        y: np.ndarray,
        weights: Mapping[str, np.ndarray],
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
        self.read = views(graph, self.arithmetic.read if self.arithmetic else self.flat)
        self.rounding = self.arithmetic.rounding if self.arithmetic else None
        self.gradients = np.zeros_like(self.flat)
        self.energies: list[np.ndarray] = []
        self.active_states: list[list[int]] = []
        self.active_errors: list[list[int]] = []

    def record(self) -> None:
        passes, numbers = self.passes, self.passes.everyone
        self.energies.append(np.array(passes.energies()) / len(self.x))
        self.active_states.append([int(np.count_nonzero(passes.heard(n))) for n in numbers])
        self.active_errors.append([int(np.count_nonzero(passes.e[n])) for n in numbers])

    def learn(self) -> None:
        graph = self.passes.graph
        self.passes.learn(by_place(views(graph, self.gradients)))

    def result(self, beta: float) -> GraphResult:
        passes, graph = self.passes, self.passes.graph
        states = [passes.z[node.number].copy() for node in graph.hidden]
        factor = -1.0 / len(self.x) / beta
        if self.arithmetic is None:
            gradients = self.gradients * self.flat.dtype.type(factor)
        else:
            gradients = self.arithmetic.scaled(self.gradients, factor)
        return GraphResult(
            states=(*states, passes.p[passes.output].copy()),
            errors=tuple(passes.e[n].copy() for n in passes.everyone),
            energies=np.array(self.energies),
            active_states=np.array(self.active_states),
            active_errors=np.array(self.active_errors),
            gradients=views(graph, gradients),
        )
