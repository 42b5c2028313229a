"""Which rule costs more, by what ratio, and how sure is that?

Intervals are over seeds, which the two rules share. Left out of them: the uncertainty of the costs,
which ``energy_range`` gives apart, and the spacing of the evaluations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from pcsim.verdict.values import Comparison, Estimate, Result

CONFIDENCE = 0.95


def ratio(numerator: float, denominator: float) -> float | None:
    """The quotient, None where it is not defined."""
    return numerator / denominator if denominator else None


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """Geometric mean of the ratios of paired positive values, with its 95 % interval.

    Student's t interval of the mean log ratio: ``mean +- t(0.975, n - 1) s / sqrt(n)``, which
    assumes log-normal ratios. With one pair there is no interval.
    """
    ratios = tuple(a / b for a, b in zip(numerators, denominators, strict=True))
    logs = [math.log(value) for value in ratios]
    mean = fmean(logs)
    if len(logs) < 2:
        return Estimate(math.exp(mean), None, None, ratios)
    half = student_half(stdev(logs), len(logs))
    return Estimate(math.exp(mean), math.exp(mean - half), math.exp(mean + half), ratios)


def student_half(deviation: float, count: int) -> float:
    """Half the 95 % interval of the mean of ``count`` values whose standard deviation was measured as
    ``deviation``: t(0.975, n - 1) s / sqrt(n)."""
    from scipy.special import stdtrit  # scipy.stats would take a second to import.

    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * deviation / math.sqrt(count)


def sample_advantage(pc: Result, bp: Result) -> Estimate | None:
    """Samples to target of BP over those of PC, paired by seed.

    None unless every seed of both rules reached the target: leaving out the seeds that failed would
    favour the rule that fails.
    """
    pc_samples = {seed.seed: seed.samples for seed in pc.to_target.per_seed}
    bp_samples = {seed.seed: seed.samples for seed in bp.to_target.per_seed}
    if not pc_samples or pc_samples.keys() != bp_samples.keys():
        return None
    pairs = [(bp_samples[seed], pc_samples[seed]) for seed in sorted(pc_samples)]
    known = [(b, p) for b, p in pairs if b is not None and p is not None]
    if len(known) < len(pairs):
        return None
    return paired_ratio([b for b, _ in known], [p for _, p in known])


def compare(
    pc: Result, bp: Result, *, energy_range: tuple[float, float] | None = None
) -> Comparison:
    """PC over BP, for one update and to the target.

    ``energy_range`` is the lowest and highest energy ratio over the ranges of the assumed costs.
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
    )
