"""Which layers learn something, and is it what backpropagation would teach them?

Per layer the cosine and the ratio of norms of two gradients; which layers a signal from the output can
reach in T steps, and how strong it still is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from pcsim.theory.relaxation import Order, groups


@dataclass(frozen=True)
class Alignment:
    """Per layer 1..L. A layer without a gradient has cosine and ratio 0."""

    cosines: tuple[float, ...]
    norm_ratios: tuple[float, ...]


def alignment(gradients: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> Alignment:
    """``gradients`` against ``reference``; norms are taken in float64 whatever the dtype."""
    cosines, ratios = [], []
    for ours, theirs in zip(gradients, reference, strict=True):
        a, b = ours.astype(np.float64).ravel(), theirs.astype(np.float64).ravel()
        norm, against = float(np.linalg.norm(a)), float(np.linalg.norm(b))
        cosines.append(float(a @ b) / norm / against if norm and against else 0.0)
        ratios.append(norm / against if against else 0.0)
    return Alignment(tuple(cosines), tuple(ratios))


def credit_depth(gradients: Sequence[np.ndarray]) -> int:
    """How many layers have a gradient with a non-zero entry."""
    return sum(bool(np.any(gradient)) for gradient in gradients)


def light_cone(order: Order, *, layers: int, steps: int) -> int:
    """How many layers can have a gradient after ``steps`` steps from the feed-forward start.

    A layer can move once it or the one above has an error; layer l has a gradient once z_l has
    moved, the output's always. jacobi: min(L, T + 1). gauss_seidel: L. red_black: min(L, 2T + 1) for
    even L; for odd L the top hidden layer is even and moves in the second half: min(L, 2T).
    """
    lowest = layers  # The lowest layer with an error.
    for _ in range(steps):
        for group in groups(order, layers):
            if lowest - 1 in group:
                lowest -= 1
    return layers - lowest + 1


def signal_decay(steps: int, below: int, *, step: float) -> float:
    """C(T, k) eta^k: |g_PC| / |g_BP| of the layer k ``below`` the output after T jacobi steps, for small eta.

    Every one of k steps out of T carries the signal one layer down. At k = T, the edge of the light cone,
    it is exact for any eta and activation: no state there has moved before.
    """
    return comb(steps, below) * step**below
