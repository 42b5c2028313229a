"""How large may the inference step be? The bound of the linearised network at its feed-forward state.

There, sample by sample, the energy's Hessian by the states is A^T S A with A the map from changes of
the states to changes of the errors and S the loss's Hessian at the output; second derivatives of the
activation are left out, so that the bound is exact for linear networks only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pcsim.engine.network import DenseNetwork, Weights
from pcsim.engine.relaxation import Relaxation
from pcsim.network import RULES

_ITERATIONS = 200
_SETTLED = 1e-7
Change = list[np.ndarray]
"""One array (samples, width) for each hidden layer."""


def rate_limit(
    network: DenseNetwork, weights: Weights, x: np.ndarray, *, relaxation: Relaxation
) -> float | None:
    """The inference rate beyond which some sample of ``x`` does not settle; None where no bound is known.

    jacobi and ipc: 2 / lambda_max(H), with momentum mu (1 + mu) times that; gauss_seidel and
    red_black, which move one block of H at a time: 2 / the largest lambda_max(H_ll); fpa: 2; epc:
    2 / lambda_max(I + G^T G), G from the errors to the output. z_il has no choice, adam no bound.
    """
    rule = RULES[relaxation.variant]
    if rule.only_rate is not None or relaxation.descent == "adam" or network.layers == 1:
        return None
    if rule.still:
        return 2.0
    with np.errstate(all="ignore"):  # After a divergence there is no bound either.
        limit = _limit_of(_Linearised(network, weights, x), relaxation)
    return float(limit) if limit is not None and np.isfinite(limit) else None


def _limit_of(jacobians: _Linearised, relaxation: Relaxation) -> float | None:
    if RULES[relaxation.variant].free_errors:
        return 2.0 / (1.0 + jacobians.largest(jacobians.through_output))
    if relaxation.order == "jacobi":
        scale = 1.0 + relaxation.momentum if relaxation.descent == "momentum" else 1.0
        return 2.0 * scale / jacobians.largest(jacobians.hessian)
    if relaxation.descent == "momentum":
        return None
    return 2.0 / jacobians.largest(jacobians.blocks, each_layer=True)


class _Linearised:
    """The network's derivatives at the feed-forward state, per sample."""

    def __init__(self, network: DenseNetwork, weights: Weights, x: np.ndarray) -> None:
        from pcsim.engine.kernels import layout
        from pcsim.engine.kernels.activations import activate, times_derivative

        self.network = network
        dtype = np.dtype(network.dtype)
        self.matrices = [dtype.type(a) * w for a, w in zip(network.scales, weights, strict=False)]
        biases = weights[network.layers :] or (0.0,) * network.layers
        shape = layout.shape_of(network)
        state = below = x.astype(dtype)
        self.slopes: list[np.ndarray] = []
        for layer, matrix in enumerate(self.matrices):
            out = below @ matrix.T + dtype.type(network.scales[layer]) * np.asarray(
                biases[layer], dtype
            )
            if network.skipped[layer]:
                out += state
            below, slope = np.empty((2, *out.shape), dtype)
            activate(shape.activation, out.ravel(), below.reshape(-1))
            ones = np.ones(out.size, dtype)
            times_derivative(
                shape.activation, ones, out.ravel(), below.reshape(-1), slope.reshape(-1)
            )
            self.slopes.append(slope)
            state = out
        if network.loss == "cross_entropy":
            raised = np.exp(state - state.max(axis=1, keepdims=True))
            self.chances = raised / raised.sum(axis=1, keepdims=True)

    def up(self, layer: int, change: np.ndarray) -> np.ndarray:
        """J_{layer + 1} change, for a change of hidden layer ``layer``, counted from 0."""
        if self.network.placement == "pre":
            out = (change * self.slopes[layer]) @ self.matrices[layer + 1].T
            return out + change if self.network.skipped[layer + 1] else out
        out = change @ self.matrices[layer + 1].T
        return out * self.slopes[layer + 1] if layer + 2 < self.network.layers else out

    def down(self, layer: int, error: np.ndarray) -> np.ndarray:
        """J_{layer + 1}^T error."""
        if self.network.placement == "pre":
            back = (error @ self.matrices[layer + 1]) * self.slopes[layer]
            return back + error if self.network.skipped[layer + 1] else back
        if layer + 2 < self.network.layers:
            error = error * self.slopes[layer + 1]
        return error @ self.matrices[layer + 1]

    def output_hessian(self, change: np.ndarray) -> np.ndarray:
        if self.network.loss == "mse":
            return change
        return self.chances * (change - np.sum(self.chances * change, axis=1, keepdims=True))

    def hessian(self, v: Change) -> Change:
        """H v of all hidden states."""
        ups = [self.up(layer, change) for layer, change in enumerate(v)]
        errors = [v[0], *(a - b for a, b in zip(v[1:], ups, strict=False))]
        errors.append(-self.output_hessian(ups[-1]))
        return [errors[layer] - self.down(layer, errors[layer + 1]) for layer in range(len(v))]

    def blocks(self, v: Change) -> Change:
        """H_ll v_l of each hidden layer l on its own."""
        last = len(v) - 1
        found: Change = []
        for layer, change in enumerate(v):
            above = self.up(layer, change)
            above = self.output_hessian(above) if layer == last else above
            found.append(change + self.down(layer, above))
        return found

    def through_output(self, v: Change) -> Change:
        """G^T S G v: from the errors through all layers above to the output and back."""
        state = v[0]
        for layer in range(len(v) - 1):
            state = v[layer + 1] + self.up(layer, state)
        found: Change = []
        error = self.output_hessian(self.up(len(v) - 1, state))
        for layer in range(len(v) - 1, -1, -1):
            error = self.down(layer, error)
            found.insert(0, error)
        return found

    def largest(
        self, operator: Callable[[Change], Change], *, each_layer: bool = False
    ) -> np.float64:
        """The largest eigenvalue over all samples (and layers, of an operator on each), by power iteration."""
        random = np.random.default_rng(0)
        v = [random.standard_normal(slope.shape).astype(slope.dtype) for slope in self.slopes[:-1]]
        found = np.float64(0.0)
        for _ in range(_ITERATIONS):
            squares = np.array([np.sum(part**2, axis=1) for part in v])
            norms = np.sqrt(squares if each_layer else squares.sum(axis=0) + np.zeros_like(squares))
            v = [
                part / np.maximum(norm, np.finfo(norm.dtype).tiny)[:, None]
                for part, norm in zip(v, norms, strict=True)
            ]
            image = operator(v)
            products = np.array([np.sum(a * b, axis=1) for a, b in zip(v, image, strict=True)])
            products = products if each_layer else products.sum(axis=0)
            before, found = found, np.float64(products.max())
            if abs(found - before) <= _SETTLED * found:
                break
            v = image
        return found
