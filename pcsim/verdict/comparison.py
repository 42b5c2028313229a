"""What is known about predictive coding beside backpropagation?

These are values only: `interval`, `race`, `compare`, `equal_energy` and `tornado` make them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A ratio measured on paired seeds: geometric mean and 95 % interval (None below two seeds)."""

    value: float
    low: float | None
    high: float | None
    per_seed: tuple[float, ...]

    @property
    def decided(self) -> bool:
        """Whether the ratio is not 1, as far as seeds can tell; one seed alone can tell nothing."""
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high

    def scaled(self, factor: float) -> Estimate:
        """The same estimate of ``factor`` times the ratio; ``factor`` must be positive."""
        return Estimate(
            factor * self.value,
            None if self.low is None else factor * self.low,
            None if self.high is None else factor * self.high,
            tuple(factor * value for value in self.per_seed),
        )

    def inverse(self) -> Estimate:
        """The estimate of one over the ratio."""
        return Estimate(
            1 / self.value,
            None if self.high is None else 1 / self.high,
            None if self.low is None else 1 / self.low,
            tuple(1 / value for value in self.per_seed),
        )


@dataclass(frozen=True)
class Sample:
    """A number measured on every seed: mean and 95 % interval of the mean (None below two seeds)."""

    mean: float
    low: float | None
    high: float | None
    per_seed: tuple[float, ...]


@dataclass(frozen=True)
class Race:
    """Who reached the target with less ``what``, "energy" or "time".

    ``winner`` is a rule, or None where it is open. ``ratio`` is PC over BP, None unless every seed of
    both reached the target. Where seeds of one rule missed it, ``at_least`` and ``at_most`` bound the
    ratio by what the rules had spent at the end of training; None where nothing bounds it. ``reason``
    says in a few words why it is open: "seeds" (the interval contains 1), "one seed", "missed" (longer
    training would tell), "diverged", or "" where there is a winner. ``more_epochs`` is how many more
    epochs would tell at the latest, ``more_seeds`` about how many more seeds; None where that is not
    known.
    """

    what: str
    winner: str | None
    ratio: Estimate | None
    at_least: Estimate | None
    at_most: Estimate | None
    reason: str
    more_epochs: int | None
    more_seeds: int | None


@dataclass(frozen=True)
class Comparison:
    """PC over BP. Above one PC needs more; None where BP's number is zero or nothing was reached.

    A rule of an extension stands in PC's place, here and in all that is made of this.
    ``energy_range`` is the range of the energy ratio over the ranges of the assumed costs.
    ``sample_advantage`` alone is the other way round: samples to target of BP over those of PC, the
    ``s`` that must exceed the energy ratio for PC to win. ``races`` say who wins to the target, by energy
    and by time. ``loss_crossing`` and ``curve_area`` are two other measures of samples to target, PC over
    BP (``other_measures.py``).
    """

    pc: str
    bp: str
    macs: float | None
    cycles: float | None
    latency: float | None
    energy: float | None
    static_energy: float | None
    edp: float | None
    utilization: float | None
    energy_range: tuple[float, float] | None
    sample_advantage: Estimate | None
    energy_to_target: Estimate | None
    time_to_target: Estimate | None
    races: tuple[Race, ...] = ()
    loss_crossing: Estimate | None = None
    curve_area: Estimate | None = None


@dataclass(frozen=True)
class EqualEnergy:
    """Validation accuracy of both rules once each has spent ``energy_j`` on learning.

    ``reason`` says whose energy that is. ``difference`` is PC's accuracy less BP's, paired by seed.
    """

    energy_j: float
    reason: str
    pc: Sample
    bp: Sample
    difference: Sample


@dataclass(frozen=True)
class Swing:
    """How far one cost alone moves PC's energy per update over BP's.

    ``value``, ``low`` and ``high`` are in ``unit``; the ratios are those with the cost at either end of its
    range, at half and at twice its value. ``turns_update`` tells whether one of them is on the other
    side of 1; ``turns_target`` the same of the energy to target, None where that is not known.
    """

    key: str
    status: str
    unit: str
    value: float
    low: float
    high: float
    at_low: float
    at_high: float
    at_half: float
    at_double: float
    turns_update: bool
    turns_target: bool | None

    @property
    def span(self) -> tuple[float, float]:
        """The smallest and the largest of the four ratios."""
        ratios = (self.at_low, self.at_high, self.at_half, self.at_double)
        return min(ratios), max(ratios)
