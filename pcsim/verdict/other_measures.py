"""Two other answers to "which rule needs fewer samples?", to stand beside the headline.

**Crossing of a loss.** Validation loss is smoother than accuracy, as no image flips from wrong to right. The
level is the loss that the curves have, on average over both rules and all seeds, when they reach the target
accuracy; so it favours neither.

**Area over the curve.** The area between the target and the accuracy curve, from the first update to
where the target is reached. It equals the mean of the crossings of all accuracies from the first to the
target, so it weighs the early part of training, which the headline leaves out.

Both scale with the updates as the headline does: a rule that learns everything in half the updates has half
of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from pcsim.verdict.comparison import Estimate
from pcsim.verdict.crossing import averaged, crossing_of, on_the_grid
from pcsim.verdict.interval import paired_ratio
from pcsim.verdict.result import Result

if TYPE_CHECKING:
    from pcsim.engine import SeedCurve


def loss_crossing(pc: Result, bp: Result) -> Estimate | None:
    """Updates until the validation loss of the target is reached, PC over BP, paired by seed.

    None unless every seed of both reached the target accuracy and this loss.
    """
    reached = [_target_updates(result) for result in (pc, bp)]
    if any(updates is None for each in reached for updates in each):
        return None
    at_target = [
        _value(curve, curve.validation_loss, updates)
        for result, each in zip((pc, bp), reached, strict=True)
        for curve, updates in zip(result.training.curves, each, strict=True)
        if updates is not None
    ]
    level = fmean(at_target)
    return _paired(
        [_loss_updates(curve, level) for curve in pc.training.curves],
        [_loss_updates(curve, level) for curve in bp.training.curves],
    )


def curve_area(pc: Result, bp: Result) -> Estimate | None:
    """Area between target and accuracy curve, PC over BP, paired by seed; None unless every seed
    reached the target."""
    mine, theirs = (
        [
            None if updates is None else _area(curve, result.to_target.target, updates)
            for curve, updates in zip(result.training.curves, _target_updates(result), strict=True)
        ]
        for result in (pc, bp)
    )
    return _paired(mine, theirs)


def _target_updates(result: Result) -> list[float | None]:
    return [seed.target_updates for seed in result.to_target.per_seed]


def _paired(mine: Sequence[float | None], theirs: Sequence[float | None]) -> Estimate | None:
    known = [(a, b) for a, b in zip(mine, theirs, strict=True) if a and b]
    if len(known) < len(mine) or not known:
        return None
    return paired_ratio([a for a, _ in known], [b for _, b in known])


def _loss_updates(curve: SeedCurve, level: float) -> float | None:
    """When the loss falls to ``level``: when its negative rises to the negative of that."""
    updates = on_the_grid(curve)
    falling = [-loss for loss in curve.validation_loss[: len(updates)]]
    return crossing_of(updates, falling, (-level,)).updates


def _value(curve: SeedCurve, values: Sequence[float], updates: float) -> float:
    """The averaged curve of ``values`` after ``updates``, by linear interpolation."""
    grid = on_the_grid(curve)
    at, mean = averaged(np.asarray(grid, float), np.asarray(values[: len(grid)], float))
    return float(np.interp(updates, at, mean))


def _area(curve: SeedCurve, target: float, updates: float) -> float:
    grid = on_the_grid(curve)
    accuracy = np.asarray(curve.validation_accuracy[: len(grid)], float)
    at, mean = averaged(np.asarray(grid, float), accuracy)
    before = at < updates
    x = np.append(at[before], updates)
    y = np.append(np.maximum(target - mean[before], 0.0), 0.0)
    return float(np.sum((y[1:] + y[:-1]) / 2 * np.diff(x)))
