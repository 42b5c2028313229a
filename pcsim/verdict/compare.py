"""Which rule costs more, and by what ratio?

Intervals are over seeds, which the two rules share, and over the spacing of the evaluations. Left out of
them: the uncertainty of the costs, which ``energy_range`` gives apart.
"""

from __future__ import annotations

from pcsim.verdict.comparison import Comparison, Estimate
from pcsim.verdict.other_measures import curve_area, loss_crossing
from pcsim.verdict.race import bounds, pairs_of, races
from pcsim.verdict.result import Result


def ratio(numerator: float, denominator: float) -> float | None:
    """The quotient, None where it is not defined."""
    return numerator / denominator if denominator else None


def sample_advantage(pc: Result, bp: Result) -> Estimate | None:
    """Samples to target of BP over those of PC, paired by seed.

    None unless every seed of both rules reached the target: leaving out the seeds that failed would
    favour the rule that fails.
    """
    seeds = pairs_of(pc, bp)
    if not seeds:
        return None
    low, high = bounds(seeds)
    return None if low is None or high is None else low.inverse()


def compare(
    pc: Result,
    bp: Result,
    *,
    energy_range: tuple[float, float] | None = None,
    updates_per_epoch: float | None = None,
) -> Comparison:
    """PC over BP, for one update and to the target.

    ``energy_range`` is the lowest and highest energy ratio over the ranges of the assumed costs;
    ``updates_per_epoch`` turns updates that would tell into epochs, where it is known.
    """
    a, b = pc.per_update, bp.per_update
    energy, latency = ratio(a.energy_j, b.energy_j), ratio(a.latency_s, b.latency_s)
    advantage = sample_advantage(pc, bp)
    to_target = None if advantage is None else advantage.inverse()
    return Comparison(
        pc=pc.candidate.id,
        bp=bp.candidate.id,
        macs=ratio(a.macs, b.macs),
        cycles=ratio(a.cycles, b.cycles),
        latency=latency,
        energy=energy,
        static_energy=ratio(a.static_energy_j, b.static_energy_j),
        edp=ratio(a.edp_js, b.edp_js),
        utilization=ratio(a.utilization, b.utilization),
        energy_range=energy_range,
        sample_advantage=advantage,
        energy_to_target=to_target.scaled(energy) if to_target and energy else None,
        time_to_target=to_target.scaled(latency) if to_target and latency else None,
        races=races(pc, bp, updates_per_epoch=updates_per_epoch),
        loss_crossing=loss_crossing(pc, bp),
        curve_area=curve_area(pc, bp),
    )
