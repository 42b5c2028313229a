"""How large may the inference step be on a graph? The bound of ``engine/stability.py``, for any operators.

At the feed-forward state, with the network's own outputs for targets, all errors are zero. There the energy's Hessian
by the states is A^T S A with A the map from changes of the states to changes of the errors and S the loss's
Hessian at the output, and second derivatives of operators play no part. A change v of the states then makes the
gradient H v, so that H is applied by a step aside and the relaxer's own way back, in float64.

Largest eigenvalues are those of Lanczos's tridiagonal matrix, one for each sample, or for each node of a sample where
nodes move one after the other (Golub and Van Loan, Matrix Computations, chapter 10).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from pcsim.engine.graph.error_optimisation import ErrorRelaxer
from pcsim.engine.graph.model import GraphNetwork, flattened, views
from pcsim.engine.relaxation import Relaxation
from pcsim.network import RULES
from pcsim.network.credit import groups

ASIDE = 1e-6
"""Length of the step aside, of all states of a sample together."""
MOST_STEPS, CHECKED_EVERY, SETTLED = 60, 6, 1e-4
"""Lanczos's steps at most, how often their eigenvalue is looked at, and its relative change that ends them."""

Product = Callable[[np.ndarray], np.ndarray]
"""H v for v (samples, values of all hidden nodes)."""


def rate_limit(
    network: GraphNetwork,
    weights: Mapping[str, np.ndarray],
    x: np.ndarray,
    *,
    relaxation: Relaxation,
    block: int,
) -> float | None:
    """The inference rate beyond which some sample of ``x`` does not settle; None where no bound is known.

    jacobi and ipc: 2 / lambda_max(H), with momentum mu (1 + mu) times that; gauss_seidel and red_black, which move
    one block of H at a time: 2 / the largest lambda_max(H_nn); fpa: 2; epc: 2 / lambda_max(I + G^T S G), G from the
    errors to the output. z_il has no choice, adam no bound. ``block`` samples are looked at at once.
    """
    how = relaxation
    rule, ordered, rolling = RULES[how.variant], how.order != "jacobi", how.descent == "momentum"
    if rule.only_rate is not None or not network.graph.hidden:
        return None
    if rule.still:
        return 2.0
    if how.descent == "adam" or (ordered and rolling):
        return None
    largest = 0.0
    linear = _Linearised(network, weights, block)
    with np.errstate(all="ignore"):  # After a divergence there is no bound either.
        for begin in range(0, len(x), block):
            linear.start(x[begin : begin + block])
            if rule.free_errors:
                found = linear.largest(linear.through_output)
            elif ordered:
                found = linear.largest(linear.blocks, each_node=True)
            else:
                found = linear.largest(linear.hessian)
            largest = max(largest, found) if np.isfinite(found) else found
            if not np.isfinite(largest):
                return None
    return float(2.0 * (1.0 + how.momentum if rolling else 1.0) / largest)


class _Linearised:
    """A relaxer at the feed-forward state of a few samples, from which it takes steps aside."""

    def __init__(
        self, network: GraphNetwork, weights: Mapping[str, np.ndarray], samples: int
    ) -> None:
        wide = replace(network, dtype="float64")
        graph = network.graph
        flat = flattened(graph, weights, "float64")
        still = Relaxation(steps=0, rate=1.0, wavefront=False)
        self.graph, self.network = graph, network
        self.relaxer = ErrorRelaxer(wide, views(graph, flat), still, samples)
        ends = np.cumsum([node.size for node in graph.hidden])
        self.starts = np.concatenate(([0], ends[:-1]))
        self.places = {
            node.number: slice(int(start), int(start) + node.size)
            for node, start in zip(graph.hidden, self.starts, strict=True)
        }
        self.together = groups(graph, "red_black")
        self.start_z: dict[int, np.ndarray] = {}

    def start(self, x: np.ndarray) -> None:
        """The samples ``x`` at their feed-forward state, and the target where they have no error."""
        graph, relaxer = self.graph, self.relaxer
        x = np.ascontiguousarray(x, np.float64).reshape(len(x), *graph.input)
        nothing = np.zeros((len(x), *graph.output.shape))
        relaxer.start(x, nothing)
        relaxer.start(x, -relaxer.e[relaxer.output])
        self.start_z = {number: relaxer.z[number].copy() for number in self.places}

    def hessian(self, v: np.ndarray) -> np.ndarray:
        """H v of all hidden states."""
        for number, place in self.places.items():
            z = self.relaxer.z[number]
            z[:] = self.start_z[number] + ASIDE * v[:, place].reshape(z.shape)
        return self._split(self.relaxer.slopes()) / ASIDE

    def blocks(self, v: np.ndarray) -> np.ndarray:
        """H_nn v_n of each hidden node n on its own; those of one colour do not meet."""
        found = np.empty_like(v)
        for group in self.together:
            alone = np.zeros_like(v)
            for number in group:
                alone[:, self.places[number]] = v[:, self.places[number]]
            image = self.hessian(alone)
            for number in group:
                found[:, self.places[number]] = image[:, self.places[number]]
        return found

    def through_output(self, v: np.ndarray) -> np.ndarray:
        """(I + G^T S G) v: from the errors to the output and back."""
        relaxer = self.relaxer
        for number, place in self.places.items():
            e = relaxer.e[number]
            e[:] = ASIDE * v[:, place].reshape(e.shape)
        relaxer.follow_errors()
        back = [np.array(e) for e in relaxer.e]
        relaxer.bring_back(back)
        return v - self._split(back[1:-1]) / ASIDE

    def _split(self, parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)

    def largest(self, product: Product, *, each_node: bool = False) -> float:
        """The largest eigenvalue over all samples (and nodes, where each has its own matrix)."""
        starts = self.starts if each_node else self.starts[:1]
        samples = len(self.relaxer.y)
        values = sum(node.size for node in self.graph.hidden)
        lengths = np.diff([*starts, values])

        def sums(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            return np.add.reduceat(a * b, starts, axis=1)

        def wide(factors: np.ndarray) -> np.ndarray:
            return np.repeat(factors, lengths, axis=1)

        v = np.random.default_rng(0).standard_normal((samples, values))
        v /= wide(np.sqrt(sums(v, v)))
        before, below = np.zeros_like(v), np.zeros((samples, len(starts)))
        diagonal: list[np.ndarray] = []
        beside: list[np.ndarray] = []
        found = 0.0
        for step in range(1, MOST_STEPS + 1):
            image = product(v) - wide(below) * before
            diagonal.append(sums(image, v))
            image -= wide(diagonal[-1]) * v
            below = np.sqrt(sums(image, image))
            if step % CHECKED_EVERY == 0 or step == MOST_STEPS:
                last, found = found, _largest_of(diagonal, beside)
                if not abs(found - last) > SETTLED * found:
                    break
            beside.append(below)
            # A subspace that is complete goes on with zeros, whose eigenvalues are 0.
            before, v = v, image / wide(np.where(below > 1e-12, below, np.inf))
            below = np.where(below > 1e-12, below, 0.0)
            beside[-1] = below
        return found


def _largest_of(diagonal: list[np.ndarray], beside: list[np.ndarray]) -> float:
    """The largest eigenvalue of all tridiagonal matrices with these entries, step after step."""
    steps = len(diagonal)
    matrices = np.zeros((*diagonal[0].shape, steps, steps))
    for i, entry in enumerate(diagonal):
        matrices[..., i, i] = entry
    for i, entry in enumerate(beside[: steps - 1]):
        matrices[..., i, i + 1] = matrices[..., i + 1, i] = entry
    if not np.isfinite(matrices).all():
        return np.inf
    return float(np.linalg.eigvalsh(matrices)[..., -1].max())
