"""What is known about every candidate once it was trained, timed and priced, and what follows from
it.

These are values only: `cost`, `to_target`, `compare` and `judge` make them, `summary` writes them
down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pcsim.verdict.words import RULE_NAMES

if TYPE_CHECKING:  # Annotations only: a verdict can be read without numba or pydantic.
    from pcsim.config import Candidate, Hardware, Workload
    from pcsim.engine import Training
    from pcsim.machine.activity import Activity
    from pcsim.machine.recording import Recording
    from pcsim.technology import Area, Bill
    from pcsim.verdict.assumed import AssumedCost
    from pcsim.verdict.bound import Bound


@dataclass(frozen=True)
class Cost:
    """What one weight update, or one inference, of one batch costs on the chip.

    ``cycles`` is the steady-state period; ``cycles_cold`` includes fetching weights and the first
    batch from DRAM and is None where no cold start was simulated. ``energy_j`` is the sum of
    ``energy_by_component_j``, ``static_energy_j`` (leakage and DRAM standby) included. ``bytes``
    are those read and written in ``sram`` and ``dram`` and delivered by the ``noc``.
    ``utilization`` is ``macs`` over those that fully busy compute units would have done in ``cycles``.
    """

    macs: int
    cycles: int
    cycles_cold: int | None
    latency_s: float
    energy_j: float
    static_energy_j: float
    energy_by_component_j: Mapping[str, float]
    bytes: Mapping[str, int]
    utilization: float

    @property
    def edp_js(self) -> float:
        """Energy-delay product."""
        return self.energy_j * self.latency_s

    @property
    def energy_per_mac_j(self) -> float | None:
        """All energy divided by the multiply-accumulates; None where nothing was multiplied."""
        return self.energy_j / self.macs if self.macs else None


@dataclass(frozen=True)
class SeedToTarget:
    """What one seed needed to reach the target; ``updates`` to ``energy_j`` are None where it did not.

    ``updates`` is a mean over the levels (``crossing.py``), ``target_updates`` is when the highest level,
    the target itself, was crossed. ``at_least_updates`` is what ``updates`` is at least, whatever
    happens after the training's end: equal to it where all levels were crossed, else ``missed_levels`` of
    them count as the last update at which the curve is known. ``spacing_updates`` is the standard
    deviation of ``updates`` that the spacing of the evaluations leaves. ``diverged`` tells that
    training ended as a divergence.
    """

    seed: int
    updates: float | None
    samples: float | None
    time_s: float | None
    energy_j: float | None
    target_updates: float | None
    at_least_updates: float
    missed_levels: int
    spacing_updates: float
    diverged: bool


@dataclass(frozen=True)
class ToTarget:
    """What a candidate needed to reach validation accuracy ``target``: means over the seeds.

    ``levels`` are the accuracies, the highest of them ``target``, over whose crossings each seed is
    averaged. The means are None unless every seed reached it: a mean over the lucky ones would flatter,
    and nothing is extrapolated. ``seeds_reached`` says how many did.
    """

    target: float
    levels: tuple[float, ...]
    samples: float | None
    updates: float | None
    time_s: float | None
    energy_j: float | None
    seeds_reached: int
    per_seed: tuple[SeedToTarget, ...]


@dataclass(frozen=True)
class LayerPlace:
    """Where layer ``layer`` (1-based, ``n_in`` x ``n_out`` weights) sits: its slices and tiles.

    Of a network that is no chain a layer is a part of it, called ``name``, of node ``node``, with ``weights``.
    """

    layer: int
    n_in: int
    n_out: int
    input_slices: int
    output_slices: int
    tiles: tuple[int, ...]
    name: str = ""
    of_node: int = 0
    of_weights: int = -1

    @property
    def node(self) -> int:
        """The node whose prediction it is part of; of a chain the layer."""
        return self.of_node or self.layer

    @property
    def weights(self) -> int:
        """How many it has."""
        return self.n_in * self.n_out if self.of_weights < 0 else self.of_weights


@dataclass(frozen=True)
class Result:
    """Everything known about one candidate. ``activity``, ``bill`` and ``bound`` are of one
    update; ``recording`` and ``critical_path`` are, too, and None unless they were asked for.

    ``critical_path`` are the cycles of an update by their cause (``machine/critical_path.py``);
    ``instances`` is how many operations an update is made of.
    """

    candidate: Candidate
    training: Training
    per_update: Cost
    per_inference: Cost
    to_target: ToTarget
    activity: Activity
    bill: Bill
    bound: Bound
    places: tuple[LayerPlace, ...]
    label: str = ""
    recording: Recording | None = None
    critical_path: Mapping[str, int] | None = None
    instances: int = 0

    @property
    def name(self) -> str:
        """How tables and sentences call it: its ``label``, which tells several of one rule apart; PC or
        BP where it has none."""
        return self.label or RULE_NAMES[self.candidate.rule]

    @property
    def depth(self) -> int:
        """How many nodes could learn; of a chain its layers."""
        return max(place.node for place in self.places)

    @property
    def credit_depth(self) -> int:
        """How many layers received a weight gradient."""
        return self.training.credit_depth

    @property
    def inference_steps(self) -> int:
        """Inference steps executed per batch; 0 for backpropagation."""
        return self.training.profile.steps

    @property
    def accuracies(self) -> tuple[float | None, ...]:
        """Test accuracy of each seed, read once, after training; None of a seed that diverged."""
        return tuple(curve.test_accuracy for curve in self.training.curves)


@dataclass(frozen=True)
class Lever:
    """What one resource of the chip, doubled or unlimited, would change in an update.

    ``what`` says it in words ("links 32 to 64 B/cycle"), ``settings`` are the ``--set`` options that do it.
    ``latency`` and ``energy`` are of one update, new over old, by rule; ``area`` likewise, None where
    an area is not known. ``reason`` says why nothing could be simulated, else it is "".
    """

    key: str
    what: str
    settings: tuple[str, ...]
    unlimited: bool
    latency: Mapping[str, float]
    energy: Mapping[str, float]
    area: float | None
    reason: str = ""

    @property
    def speed(self) -> float:
        """Geometric mean over the rules of latency, new over old; 1 where nothing is known."""
        values = list(self.latency.values())
        return math.prod(values) ** (1 / len(values)) if values else 1.0


@dataclass(frozen=True)
class Warned:
    """What a reader of the verdict must not miss.

    ``kind`` is "diverged", "rate", "credit", "classes", "format" or "assumed". ``rule`` is "pc" or "bp", None
    where it concerns both. ``text`` is a sentence, ``mend`` says what can be done, "" for nothing.
    """

    kind: str
    rule: str | None
    text: str
    mend: str


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
class Race:
    """Who reached the target with less ``what``, "energy" or "time".

    ``winner`` is "pc" or "bp", or None where it is open. ``ratio`` is PC over BP, None unless every seed of
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
class Tried:
    """One schedule that was tried where the best was asked for.

    Costs are None, and ``reason`` says why, where it dropped out. ``chosen`` marks the one that stands for
    its rule.
    """

    candidate: Candidate
    per_update: Cost | None
    to_target: ToTarget | None
    reason: str = ""
    chosen: bool = False


@dataclass(frozen=True)
class Sample:
    """A number measured on every seed: mean and 95 % interval of the mean (None below two seeds)."""

    mean: float
    low: float | None
    high: float | None
    per_seed: tuple[float, ...]


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


@dataclass(frozen=True)
class Verdict:
    """The answer: every candidate's numbers, how they compare, and what that means in words.

    ``ratios`` and ``equal_energy`` are None and ``tornado`` is empty unless both rules ran; ``areas`` is None
    where something on the chip is unlimited: such a chip has no size. ``warnings`` are the most important
    first, ``levers`` those that save most time. ``tried`` is empty unless the
    best of several schedules was asked for.
    """

    hardware: Hardware
    workload: Workload
    seeds: tuple[int, ...]
    areas: tuple[Area, ...] | None
    results: tuple[Result, ...]
    ratios: Comparison | None
    assumed: tuple[AssumedCost, ...]
    not_modelled: tuple[str, ...]
    sentences: tuple[str, ...]
    warnings: tuple[Warned, ...] = ()
    levers: tuple[Lever, ...] = ()
    tried: tuple[Tried, ...] = ()
    equal_energy: EqualEnergy | None = None
    tornado: tuple[Swing, ...] = ()
    _repr_html_: ClassVar[Callable[[Verdict], str]]
    """How a notebook shows it (``notebook.py``)."""

    @property
    def area_mm2(self) -> float | None:
        """Area of the whole chip, DRAM apart."""
        return None if self.areas is None else math.fsum(area.mm2 for area in self.areas)
