"""After how many updates does a learning curve cross an accuracy? One answer for one curve.

An example: validation accuracy is 78 % after 20 updates, 84 % after 30, and rises on. It crosses 81 %
after 25 updates, by a straight line between the two evaluations.

Two things make this harder. Accuracy jitters from evaluation to evaluation, so that the first
evaluation above a level comes early by luck, and the more often one looks, the earlier. Therefore the
curve is first averaged over a window that grows with the updates: the accuracy at u is the mean over
the stretch from (1 - WINDOW) u to (1 + WINDOW) u. A rule that learns half as fast is then averaged over
twice as many updates, so that luck favours neither. And evaluations lie on a grid: where between two of
them a curve crossed is not known. The standard deviation that this leaves is computed, not guessed.

An answer needs the curve up to (1 + WINDOW) times the crossing and nothing after it. So training longer
never changes an answer that was there; it can only give one where there was none.

Left out: the correlation of evaluations, which the scatter over seeds contains.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pcsim.engine import SeedCurve

WINDOW = 0.2
"""Half the width of the window of the average, as a fraction of the updates at its centre."""

LEVELS = 10
"""As many accuracies are crossed on the way to the target; their mean jitters far less than one does."""

SPAN = 0.1
"""The lowest of these accuracies lies at most so far below the target."""


@dataclass(frozen=True)
class Crossing:
    """How many updates one curve took to cross its levels, on average over the levels.

    ``updates`` is None where a level was not crossed. Then ``at_least`` is what is known all the same:
    levels not crossed count with the last update at which the averaged curve is known. Where all were
    crossed it equals ``updates``. ``missed`` is how many levels were not crossed. ``last`` is the updates
    at which the highest level was crossed, None where it was not. ``spacing`` is the standard deviation of
    ``updates``, in updates, that the spacing of the evaluations leaves.
    """

    updates: float | None
    at_least: float
    missed: int
    last: float | None
    spacing: float


def levels(target: float) -> tuple[float, ...]:
    """The accuracies whose crossings are averaged: ``LEVELS`` equally spaced ones, the highest is
    ``target``.

    The lowest is below it by ``SPAN``, or by less where the target is close to 1 or small: by no more than
    the error that it allows and no more than a quarter of it. For 0.9 they reach from 0.8 to 0.9.
    """
    span = min(SPAN, 1 - target, target / 4)
    return tuple(target - span * (LEVELS - 1 - i) / (LEVELS - 1) for i in range(LEVELS))


def crossing(curve: SeedCurve, target: float) -> Crossing:
    """How long ``curve`` took to the levels of ``target``."""
    updates = on_the_grid(curve)
    return crossing_of(updates, curve.validation_accuracy[: len(updates)], levels(target))


def on_the_grid(curve: SeedCurve) -> tuple[int, ...]:
    """The updates of the evaluations at equal distances.

    The last evaluation of a training comes when training stops; where that is off the grid, it is left
    out, as the answer must not depend on it.
    """
    updates = curve.updates
    if len(updates) > 2 and updates[-1] - updates[-2] != updates[1] - updates[0]:
        return updates[:-1]
    return updates


def crossing_of(
    updates: Sequence[float], values: Sequence[float], asked: Sequence[float]
) -> Crossing:
    """When the curve of ``values`` over ``updates`` first crosses each of the rising levels ``asked``.

    ``updates`` rise from 0.
    """
    at, mean = averaged(np.asarray(updates, float), np.asarray(values, float))
    found: list[float | None] = []
    shares: dict[int, int] = {}
    for level in asked:
        above = mean >= level
        first = int(np.argmax(above))
        if not above[first]:
            found.append(None)
            continue
        shares[first] = shares.get(first, 0) + 1
        found.append(_between(at, mean, first, level))
    known = [value for value in found if value is not None]
    missed = len(found) - len(known)
    at_least = (math.fsum(known) + missed * float(at[-1])) / len(found)
    return Crossing(
        updates=None if missed else at_least,
        at_least=at_least,
        missed=missed,
        last=found[-1],
        spacing=_spacing(at, shares, len(found)),
    )


def averaged(updates: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The curve averaged over the window that grows with the updates, at the updates where it is known.

    It is the mean of the polygon through the evaluations from (1 - WINDOW) u to (1 + WINDOW) u. Both
    results have the shape (known evaluations,); at update 0 the value is the first one.
    """
    known = updates * (1 + WINDOW) <= updates[-1]
    at = updates[known]
    if len(at) < 2:
        return at, values[: len(at)]
    area = np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2 * np.diff(updates))])

    def below(x: np.ndarray) -> np.ndarray:
        """Area under the polygon from 0 to ``x``."""
        i = np.clip(np.searchsorted(updates, x, side="right") - 1, 0, len(updates) - 2)
        part, width = x - updates[i], updates[i + 1] - updates[i]
        rise = (values[i + 1] - values[i]) * part / width
        return np.asarray(area[i] + part * (values[i] + rise / 2))

    mean = np.empty(len(at))
    mean[0] = values[0]
    mean[1:] = (below(at[1:] * (1 + WINDOW)) - below(at[1:] * (1 - WINDOW))) / (2 * WINDOW * at[1:])
    return at, mean


def _between(at: np.ndarray, mean: np.ndarray, first: int, level: float) -> float:
    """The crossing of ``level`` on the straight line that ends at evaluation ``first``."""
    if first == 0:
        return float(at[0])
    low, high = mean[first - 1], mean[first]
    return float(at[first - 1] + (level - low) / (high - low) * (at[first] - at[first - 1]))


def _spacing(at: np.ndarray, shares: dict[int, int], count: int) -> float:
    """Standard deviation of the mean crossing if each lies anywhere between its two evaluations.

    Uniform between two evaluations at distance w means w / sqrt(12). Levels crossed between the same two
    are taken to err together, others apart: sqrt(sum over gaps of (levels in it / levels)^2 w^2 / 12).
    """
    squares = [
        (share / count * float(at[first] - at[first - 1])) ** 2 / 12
        for first, share in shares.items()
        if first
    ]
    return math.sqrt(math.fsum(squares))
