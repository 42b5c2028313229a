"""What has each rule learnt once both have spent the same energy?

Read off the learning curves: the last evaluation that the energy pays for, so the answer is only as fine
as ``evaluate_every``. Nothing is interpolated or extrapolated. Left out: the energy of evaluations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from pcsim.units import format_quantity
from pcsim.verdict.compare import student_half
from pcsim.verdict.values import EqualEnergy, Result, Sample
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
        [_accuracy(curve, budget / _update_j(result)) for curve in result.training.curves]
        for result in (pc, bp)
    ]
    mine, theirs = ([value for value in values if value is not None] for values in known)
    seeds = len(pc.training.curves)
    if not len(mine) == len(theirs) == seeds:
        return None
    return EqualEnergy(
        float(budget),
        reason,
        sample(mine),
        sample(theirs),
        sample([a - b for a, b in zip(mine, theirs, strict=True)]),
    )


def _budgets(pc: Result, bp: Result) -> Iterator[tuple[Fraction, str]]:
    """The energies in question, in joules and exactly: an evaluation that one just pays for counts."""
    for result in (pc, bp):
        updates = [seed.updates for seed in result.to_target.per_seed]
        reached = [count for count in updates if count is not None]
        if reached and len(reached) == len(updates):
            mean = Fraction(sum(reached), len(reached))
            yield mean * _update_j(result), f"what {result.name} took to the target"
    for result in (pc, bp):
        whole = result.training.updates_total * _update_j(result)
        yield whole, f"what {result.name}'s whole training took"


def _update_j(result: Result) -> Fraction:
    return Fraction(result.per_update.energy_j)


def _accuracy(curve: SeedCurve, updates: Fraction) -> float | None:
    """Validation accuracy after at most ``updates``; None where the seed had diverged by then."""
    if curve.diverged_at is not None and curve.diverged_at <= updates:
        return None
    paid = zip(curve.updates, curve.validation_accuracy, strict=True)
    return [accuracy for made, accuracy in paid if made <= updates][-1]


def sample(values: Sequence[float]) -> Sample:
    """Mean and Student's t interval of the mean, which takes values to be normal over seeds."""
    mean = fmean(values)
    if len(values) < 2:
        return Sample(mean, None, None, tuple(values))
    half = student_half(stdev(values), len(values))
    return Sample(mean, mean - half, mean + half, tuple(values))


def equal_energy_sentence(at: EqualEnergy) -> str:
    """Who knows more for the same energy."""
    gap = at.difference
    points = f"{100 * gap.mean:+.2f} points"
    if gap.low is not None and gap.high is not None:
        points += f" ({100 * gap.low:+.2f}..{100 * gap.high:+.2f})"
        decided = not gap.low <= 0 <= gap.high
        points += "" if decided else ", which seeds do not tell from none"
    return (
        f"At equal energy, {format_quantity(at.energy_j, 'J')}, {at.reason}: validation accuracy PC "
        f"{percent(at.pc.mean)}, BP {percent(at.bp.mean)}, a difference of {points}."
    )
