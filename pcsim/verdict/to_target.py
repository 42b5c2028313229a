"""How long did learning take? Updates, samples, seconds and joules until the target was reached.

Reaching 90 % means: the mean over ten accuracies from 80 to 90 % of the updates after which the curve
crossed them (``crossing.py``). One accuracy alone says less: its crossing jitters twice as much over seeds.

Left out: the cold start of the first update, and the validation passes themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcsim.verdict.crossing import LEVELS, crossing, levels
from pcsim.verdict.interval import mean_or_none
from pcsim.verdict.result import Cost, SeedToTarget, ToTarget

if TYPE_CHECKING:
    from pcsim.engine import SeedCurve, Training

DEFINITION = (
    f"mean over {LEVELS} validation accuracies up to the target of the updates after which the curve, "
    "averaged over a window that grows with the updates, crosses them by linear interpolation"
)
"""What "to the target" means, for readers of the summary."""


def updates_to_target(curve: SeedCurve, target: float) -> float | None:
    """Updates that one curve took to the target, None where it did not get there."""
    return crossing(curve, target).updates


def to_target(training: Training, per_update: Cost, *, target: float) -> ToTarget:
    """What every seed, and the mean seed, needed to reach validation accuracy ``target``."""
    seeds = []
    for curve in training.curves:
        found = crossing(curve, target)
        updates = found.updates
        seeds.append(
            SeedToTarget(
                seed=curve.seed,
                updates=updates,
                samples=None if updates is None else updates * training.batch,
                time_s=None if updates is None else updates * per_update.latency_s,
                energy_j=None if updates is None else updates * per_update.energy_j,
                target_updates=found.last,
                at_least_updates=found.at_least,
                missed_levels=found.missed,
                spacing_updates=found.spacing,
                diverged=curve.diverged_at is not None,
            )
        )
    return ToTarget(
        target=target,
        levels=levels(target),
        samples=mean_or_none([seed.samples for seed in seeds]),
        updates=mean_or_none([seed.updates for seed in seeds]),
        time_s=mean_or_none([seed.time_s for seed in seeds]),
        energy_j=mean_or_none([seed.energy_j for seed in seeds]),
        seeds_reached=sum(seed.updates is not None for seed in seeds),
        per_seed=tuple(seeds),
    )
