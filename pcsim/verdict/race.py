"""Who reaches the target with less energy, or in less time, and is that certain?

An example: BP reaches the target with 10 mJ on every seed, and PC does not within the epochs it was given.
If PC had spent 16 mJ by then, BP wins: whatever PC would still do, it has already spent more. If PC had
spent 7 mJ, nobody knows, and the race is open until PC was trained for longer.

In general each seed gives a lower and an upper bound of PC's amount over BP's. They are equal where both
rules arrived. A rule that did not arrive took at least what is known of its curve; its upper bound is
infinite. BP wins where the interval of the lower bounds lies above 1, PC where that of the upper bounds lies
below 1. A rule that diverged has not lost by that: with another rate it might arrive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from pcsim.verdict.comparison import Estimate, Race
from pcsim.verdict.crossing import LEVELS, WINDOW
from pcsim.verdict.interval import paired_ratio, pairs_needed
from pcsim.verdict.result import Result, SeedToTarget
from pcsim.verdict.words import BP

Pair = tuple[SeedToTarget, SeedToTarget]
"""PC's and BP's seed."""


def races(pc: Result, bp: Result, *, updates_per_epoch: float | None = None) -> tuple[Race, ...]:
    """The race by energy and the race by time; without one whose amount is zero for a rule.

    ``updates_per_epoch`` turns updates that would tell into epochs, where it is known.
    """
    costs = (
        ("energy", pc.per_update.energy_j, bp.per_update.energy_j),
        ("time", pc.per_update.latency_s, bp.per_update.latency_s),
    )
    seeds = pairs_of(pc, bp)
    return tuple(
        race(
            what,
            seeds,
            cost=mine / theirs,
            rule=pc.candidate.rule,
            updates_per_epoch=updates_per_epoch,
        )
        for what, mine, theirs in costs
        if mine and theirs and seeds
    )


def pairs_of(pc: Result, bp: Result) -> list[Pair]:
    """The seeds that both rules were trained with, in order; empty where they are not the same."""
    mine = {seed.seed: seed for seed in pc.to_target.per_seed}
    theirs = {seed.seed: seed for seed in bp.to_target.per_seed}
    return [] if mine.keys() != theirs.keys() else [(mine[s], theirs[s]) for s in sorted(mine)]


def race(
    what: str,
    seeds: Sequence[Pair],
    *,
    cost: float,
    rule: str = "pc",
    updates_per_epoch: float | None = None,
) -> Race:
    """Who wins over ``seeds``, where one update of PC takes ``cost`` times as much as one of BP; or of ``rule``, which
    stands in PC's place."""
    low, high = bounds(seeds)
    at_least = None if low is None else low.scaled(cost)
    at_most = None if high is None else high.scaled(cost)
    ratio = at_least if all(_arrived(seed) for pair in seeds for seed in pair) else None
    winner = None
    if at_least is not None and at_least.low is not None and at_least.low > 1:
        winner = BP
    elif at_most is not None and at_most.high is not None and at_most.high < 1:
        winner = rule
    if any(seed.diverged and not _arrived(seed) for pair in seeds for seed in pair):
        winner, reason = None, "diverged"
    elif winner:
        reason = ""
    elif len(seeds) < 2:
        reason = "one seed"
    else:
        reason = "missed" if ratio is None else "seeds"
    needed = _more_epochs(seeds, cost, updates_per_epoch) if reason == "missed" else None
    more = _more_seeds(ratio) if reason == "seeds" and ratio is not None else None
    return Race(what, winner, ratio, at_least, at_most, reason, needed, more)


def bounds(seeds: Sequence[Pair]) -> tuple[Estimate | None, Estimate | None]:
    """Updates of PC over those of BP: an estimate of what the ratio is at least, and at most.

    Equal where every seed of both rules arrived; None where some seed does not bound it.
    """
    low = _estimate(seeds) if all(_arrived(bp) for _, bp in seeds) else None
    high = _estimate(seeds) if all(_arrived(pc) for pc, _ in seeds) else None
    return low, high


def _arrived(seed: SeedToTarget) -> bool:
    return seed.updates is not None


def _estimate(seeds: Sequence[Pair]) -> Estimate | None:
    """The ratio of what is known of both; None where a rule was at the target from the start."""
    mine = [pc.at_least_updates for pc, _ in seeds]
    theirs = [bp.at_least_updates for _, bp in seeds]
    if min(mine) <= 0 or min(theirs) <= 0:
        return None
    spacing = math.hypot(
        fmean(pc.spacing_updates / count for (pc, _), count in zip(seeds, mine, strict=True)),
        fmean(bp.spacing_updates / count for (_, bp), count in zip(seeds, theirs, strict=True)),
    )
    return paired_ratio(mine, theirs, spacing=spacing)


SURE = 1.1
"""A rule has certainly lost once it has spent so many times what the other took, as a rule of thumb."""


def _more_epochs(seeds: Sequence[Pair], cost: float, updates_per_epoch: float | None) -> int | None:
    """How many more epochs until the rule that missed has spent clearly more than the other took.

    None where both rules missed, as nothing is known of when either would arrive.
    """
    if not updates_per_epoch:
        return None
    missed_pc = any(not _arrived(pc) for pc, _ in seeds)
    missed_bp = any(not _arrived(bp) for _, bp in seeds)
    if missed_pc == missed_bp:
        return None
    lacking = 0.0
    for pc, bp in seeds:
        late, arrived = (pc, bp) if missed_pc else (bp, pc)
        if not late.missed_levels:
            continue
        allowed = SURE * arrived.at_least_updates * (1 / cost if missed_pc else cost)
        # The mean over levels grows by missed / LEVELS for every further update of the known curve.
        short = (allowed - late.at_least_updates) * LEVELS / late.missed_levels
        lacking = max(lacking, short * (1 + WINDOW))
    return max(1, math.ceil(lacking / updates_per_epoch))


def _more_seeds(ratio: Estimate) -> int | None:
    needed = pairs_needed(ratio)
    return None if needed is None else needed - len(ratio.per_seed)
