"""What has each rule learnt once both have spent the same energy?

Read off the learning curves, by a straight line between two evaluations; nothing is extrapolated. The
interval contains what the spacing of the evaluations leaves open. Left out: the energy of evaluations.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from pcsim.units import format_quantity
from pcsim.verdict.comparison import EqualEnergy
from pcsim.verdict.interval import sample
from pcsim.verdict.result import Result
from pcsim.verdict.words import percent

if TYPE_CHECKING:
    from pcsim.engine import SeedCurve


def equal_energy(pc: Result, bp: Result) -> EqualEnergy | None:
    """Validation accuracy at the energy with which the cheaper rule reached the target on average, or, if
    that is less or none did, at the smaller of what the two trainings took in all.

    None where the energy leads past the update at which a seed diverged, as what it knows then was not
    measured, and where an update is free.
    """
    if not (pc.per_update.energy_j and bp.per_update.energy_j):
        return None
    budget, reason = min(_budgets(pc, bp), key=lambda found: found[0])
    known = [
        [_accuracy(curve, budget / result.per_update.energy_j) for curve in result.training.curves]
        for result in (pc, bp)
    ]
    mine, theirs = ([value for value in values if value is not None] for values in known)
    seeds = len(pc.training.curves)
    if not len(mine) == len(theirs) == seeds:
        return None
    gap = math.hypot(fmean(value.spacing for value in mine), fmean(v.spacing for v in theirs))
    return EqualEnergy(
        budget,
        reason,
        sample([value.accuracy for value in mine]),
        sample([value.accuracy for value in theirs]),
        sample([a.accuracy - b.accuracy for a, b in zip(mine, theirs, strict=True)], spacing=gap),
    )


class _Known(NamedTuple):
    """An accuracy between two evaluations, and the standard deviation that their distance leaves."""

    accuracy: float
    spacing: float


def _budgets(pc: Result, bp: Result) -> Iterator[tuple[float, str]]:
    """The energies in question, in joules."""
    for result in (pc, bp):
        updates = [seed.target_updates for seed in result.to_target.per_seed]
        reached = [count for count in updates if count is not None]
        if reached and len(reached) == len(updates):
            yield (
                fmean(reached) * result.per_update.energy_j,
                f"what {result.name} took to {percent(result.to_target.levels[-1])}",
            )
    for result in (pc, bp):
        whole = result.training.updates_total * result.per_update.energy_j
        yield whole, f"what {result.name}'s whole training took"


def _accuracy(curve: SeedCurve, updates: float) -> _Known | None:
    """Validation accuracy after ``updates``; None where the seed had diverged by then."""
    if curve.diverged_at is not None and curve.diverged_at <= updates:
        return None
    accuracy = curve.validation_accuracy
    after = bisect_left(curve.updates, updates)
    if after == len(curve.updates):
        return _Known(accuracy[-1], 0.0)
    if curve.updates[after] == updates:
        return _Known(accuracy[after], 0.0)
    before = after - 1
    part = (updates - curve.updates[before]) / (curve.updates[after] - curve.updates[before])
    rise = accuracy[after] - accuracy[before]
    return _Known(accuracy[before] + part * rise, abs(rise) / math.sqrt(12))


def equal_energy_sentence(at: EqualEnergy, name: str = "PC") -> str:
    """Who knows more for the same energy, BP or the rule called ``name``."""
    gap = at.difference
    points = f"{100 * gap.mean:+.2f} points"
    if gap.low is not None and gap.high is not None:
        points += f" ({100 * gap.low:+.2f}..{100 * gap.high:+.2f})"
        decided = not gap.low <= 0 <= gap.high
        points += "" if decided else ", which may be chance"
    return (
        f"At equal energy, {format_quantity(at.energy_j, 'J')}, {at.reason}: validation accuracy {name} "
        f"{percent(at.pc.mean)}, BP {percent(at.bp.mean)}, a difference of {points}."
    )
