"""How sure is a mean over few seeds, and a ratio of two?

Left out: how far the seeds' images stand for other images. All seeds share the split of the data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from pcsim.verdict.comparison import Estimate, Sample

CONFIDENCE = 0.95
NORMAL = 1.959963984540054
"""Half the width of the 95 % interval of a normal distribution, in standard deviations."""


def mean_or_none(values: Sequence[float | None]) -> float | None:
    """The mean, None where a value is missing or there is none."""
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def student_half(deviation: float, count: int) -> float:
    """Half the 95 % interval of the mean of ``count`` values whose standard deviation was measured as
    ``deviation``: t(0.975, n - 1) s / sqrt(n)."""
    from scipy.special import stdtrit  # scipy.stats would take a second to import.

    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * deviation / math.sqrt(count)


def sample(values: Sequence[float], *, spacing: float = 0.0) -> Sample:
    """Mean and Student's t interval of the mean, which takes values to be normal over seeds.

    ``spacing`` is a standard deviation that all values share and their scatter does not show. There is no
    interval of one value, nor of equal ones: they say nothing of how far others would be.
    """
    mean = fmean(values)
    if len(values) < 2 or not (deviation := stdev(values)) + spacing:
        return Sample(mean, None, None, tuple(values))
    half = math.hypot(student_half(deviation, len(values)), NORMAL * spacing)
    return Sample(mean, mean - half, mean + half, tuple(values))


def paired_ratio(
    numerators: Sequence[float], denominators: Sequence[float], *, spacing: float = 0.0
) -> Estimate:
    """Geometric mean of the ratios of paired positive values, with its 95 % interval.

    Student's t interval of the mean log ratio, which assumes log-normal ratios, widened by ``spacing``, a
    relative standard deviation that all pairs share and that their scatter therefore does not show:
    half = sqrt((t(0.975, n - 1) s / sqrt(n))^2 + (1.96 spacing)^2). With one pair there is no interval.
    """
    ratios = tuple(a / b for a, b in zip(numerators, denominators, strict=True))
    logs = [math.log(value) for value in ratios]
    mean = fmean(logs)
    if len(logs) < 2:
        return Estimate(math.exp(mean), None, None, ratios)
    half = math.hypot(student_half(stdev(logs), len(logs)), NORMAL * spacing)
    return Estimate(math.exp(mean), math.exp(mean - half), math.exp(mean + half), ratios)


def pairs_needed(estimate: Estimate) -> int | None:
    """About how many pairs would move the interval of ``estimate`` off 1, were the mean and the scatter to
    stay as they are; None where a thousand would not."""
    logs = [math.log(value) for value in estimate.per_seed]
    if len(logs) < 2:
        return None
    mean, deviation = abs(math.log(estimate.value)), stdev(logs)
    counts = range(len(logs) + 1, 1001)
    return next((count for count in counts if student_half(deviation, count) < mean), None)
