"""Which layers learn from their gradient, and which from rounding?

Under predictive coding an error shrinks on its way down, and a layer's error is the difference of two nearly
equal numbers, state and prediction. Deep down it can be smaller than the rounding of these two. A
layer's gradient then has entries that are not zero, and yet points anywhere.

So a layer counts as credited when its gradient g is more signal than noise. Two things must hold against the
gradient g64 that the same rule has in float64, with the same weights and batch: g lies closer to g64
than zero does, and g points less than 60 degrees away from g64,

    |g - g64| < |g64|   and   2 <g, g64> > |g| |g64|.

The second one fails where most of a gradient was lost and what is left is noise; such a g is small, so the first
one holds. Float64 is only computed where it can matter: a
gradient far above what rounding can do to it is credited at once.

Left out: batches other than the first one, and weights other than those after training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from pcsim.config import Numerics
    from pcsim.engine.inference import BatchResult
    from pcsim.engine.network import DenseNetwork, Weights
    from pcsim.engine.rules import OnChains

DType = Literal["float32", "float64"]

CLEAR = 30.0
"""A gradient so many times larger than the estimate of its noise needs no second look."""

CREDITED, STEPS, RATE, FORMAT = "", "steps", "rate", "format"
UNDERFLOW, ZERO, DIVERGED = "underflow", "zero", "diverged"
"""Why a layer has no credit: errors have not reached it in so few steps; they reach it below the rounding
of its states, as each layer passes on a small part; it would have credit in float32, but not in the formats of
the chip; errors are too small on their way to change a state at all; not even backpropagation has a gradient
for it; gradients are no longer finite."""


@dataclass(frozen=True)
class Credit:
    """What each layer's gradient is worth, from layer 1 up; tuples of equal length.

    ``norms`` are Frobenius norms of the gradients by the weights, None where they are
    not finite. ``cosines`` are with float64's gradient
    of the same rule, None where float64 was not needed or one of the two is zero. ``reasons`` are
    empty for a credited layer.
    """

    norms: tuple[float | None, ...]
    cosines: tuple[float | None, ...]
    reasons: tuple[str, ...]


def credit_of(
    rule: OnChains,
    network: DenseNetwork,
    weights: Weights,
    x: np.ndarray,
    y: np.ndarray,
    result: BatchResult,
    *,
    numerics: Numerics | None = None,
) -> Credit:
    """What the gradients of ``result`` are worth, which ``rule`` gave for ``x`` and ``y`` in ``numerics``."""
    layers = network.layers
    found = result.gradients[:layers]
    norms = tuple(float(np.linalg.norm(g.astype(np.float64))) for g in found)
    if not all(map(math.isfinite, norms)):
        return Credit((None,) * layers, (None,) * layers, (DIVERGED,) * layers)
    noise = _noise(rule, network, x, result)
    plain = numerics is None
    reach = rule.reach(layers)
    reached = range(layers - reach, layers)
    if plain and all(norms[i] > CLEAR * noise[i] for i in reached):
        return Credit(
            norms,
            (None,) * layers,
            (STEPS,) * (layers - reach) + (CREDITED,) * reach,
        )
    exact = _gradients(rule, network, weights, x, y, "float64")
    cosines = tuple(cosine_of(a, b) for a, b in zip(found, exact, strict=True))
    right = [is_signal(a, b) for a, b in zip(found, exact, strict=True)]
    in_float32 = right
    if not plain and not all(right):
        plainly = _gradients(rule, network, weights, x, y, "float32")
        in_float32 = [is_signal(a, b) for a, b in zip(plainly, exact, strict=True)]
    reasons = []
    for i in range(layers):
        if i not in reached:
            reasons.append(STEPS)
        elif right[i]:
            reasons.append(CREDITED)
        elif in_float32[i]:
            reasons.append(FORMAT)
        elif np.any(found[i]):
            reasons.append(RATE)
        else:
            reasons.append(UNDERFLOW)
    if UNDERFLOW in reasons:
        reasons = _without_dead(reasons, network, weights, x, y)
    return Credit(norms, cosines, tuple(reasons))


def _without_dead(
    reasons: list[str], network: DenseNetwork, weights: Weights, x: np.ndarray, y: np.ndarray
) -> list[str]:
    """``reasons`` with ZERO where backpropagation has no gradient either, as units pass nothing on."""
    from pcsim.engine.inference import backpropagate

    exact = backpropagate(network, weights, x, y).gradients
    return [
        ZERO if why == UNDERFLOW and not np.any(exact[i]) else why for i, why in enumerate(reasons)
    ]


def _gradients(
    rule: OnChains,
    network: DenseNetwork,
    weights: Weights,
    x: np.ndarray,
    y: np.ndarray,
    dtype: DType,
) -> tuple[np.ndarray, ...]:
    """By the weights, of the same rule computed in ``dtype`` without any other rounding."""
    wide = replace(network, dtype=dtype)
    cast = tuple(w.astype(dtype) for w in weights)
    result = rule.look_at(wide, cast, x.astype(dtype), y.astype(dtype))
    return tuple(g.astype(np.float64) for g in result.gradients[: network.layers])


def _noise(
    rule: OnChains, network: DenseNetwork, x: np.ndarray, result: BatchResult
) -> list[float]:
    """About how large the gradient of each layer would be if its errors were rounding alone.

    An error z - p is off by a rounding of p: |p| times half a unit in the last place, of random sign. The
    gradient, a mean over the batch of products of error and input, is then off by
    sqrt(sum over samples of |rounding|^2 |input|^2) / samples. Of a rule whose errors are no differences
    only what is below the smallest normal number is noise.
    """
    info = np.finfo(network.dtype)
    if not rule.errors_are_differences:
        return [float(info.tiny)] * network.layers
    half_unit = float(info.eps) / 2
    inputs = [x, *result.states[:-1]]
    levels = []
    for scale, below, state in zip(network.scales, inputs, result.states, strict=True):
        rounding = half_unit**2 * np.sum(state.astype(np.float64) ** 2, axis=1)
        squares = rounding * np.sum(below.astype(np.float64) ** 2, axis=1)
        levels.append(float(scale) * math.sqrt(float(squares.sum())) / len(x))
    return levels


def is_signal(found: np.ndarray, exact: np.ndarray) -> bool:
    """Whether ``found`` is closer to ``exact`` than zero is, and less than 60 degrees from it."""
    cosine = cosine_of(found, exact)
    gap = np.linalg.norm(found.astype(np.float64) - exact)
    return cosine is not None and cosine > 0.5 and bool(gap < np.linalg.norm(exact))


def cosine_of(found: np.ndarray, exact: np.ndarray) -> float | None:
    """Of the angle between two gradients."""
    mine = found.astype(np.float64)
    size = float(np.linalg.norm(mine) * np.linalg.norm(exact))
    if not size or not math.isfinite(size):
        return None
    return float(np.sum(mine * exact) / size)
