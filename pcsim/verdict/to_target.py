"""How long did learning take? Updates, samples, seconds and joules until the target was reached.

Left out: the cold start of the first update, the validation passes themselves, and anything between
two evaluations, so that the answer is only as fine as ``evaluate_every``.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING

from pcsim.verdict.values import Cost, SeedToTarget, ToTarget

if TYPE_CHECKING:
    from pcsim.engine import SeedCurve, Training

WINDOW = 3
"""Consecutive evaluations whose median must be at the target: one lucky evaluation is no
arrival."""


def updates_to_target(curve: SeedCurve, target: float) -> int | None:
    """Updates after which the target was known to be reached, None if it never was.

    Reached is the first evaluation at which the median accuracy of it and the two before is at or
    above ``target``.
    """
    accuracy = curve.validation_accuracy
    for last in range(WINDOW - 1, len(accuracy)):
        if median(accuracy[last - WINDOW + 1 : last + 1]) >= target:
            return curve.updates[last]
    return None


def to_target(training: Training, per_update: Cost, *, target: float) -> ToTarget:
    """What every seed, and the mean seed, needed to reach validation accuracy ``target``."""
    seeds = []
    for curve in training.curves:
        updates = updates_to_target(curve, target)
        if updates is None:
            seeds.append(SeedToTarget(curve.seed, None, None, None, None))
            continue
        seeds.append(
            SeedToTarget(
                curve.seed,
                updates,
                updates * training.batch,
                updates * per_update.latency_s,
                updates * per_update.energy_j,
            )
        )
    return ToTarget(
        target=target,
        samples=_mean([seed.samples for seed in seeds]),
        updates=_mean([seed.updates for seed in seeds]),
        time_s=_mean([seed.time_s for seed in seeds]),
        energy_j=_mean([seed.energy_j for seed in seeds]),
        seeds_reached=sum(seed.updates is not None for seed in seeds),
        per_seed=tuple(seeds),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean, None if a value is missing or there is none."""
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None
