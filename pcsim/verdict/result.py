"""What is known about one candidate once it was trained, timed and priced?

These are values only: `cost`, `to_target` and `judge` make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcsim.verdict.words import rule_name

if TYPE_CHECKING:  # Annotations only: a verdict can be read without numba or pydantic.
    from pcsim.config import Candidate
    from pcsim.engine import Training
    from pcsim.machine.activity import Activity
    from pcsim.machine.recording import Recording
    from pcsim.technology import Bill
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
        return self.label or rule_name(self.candidate.rule)

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
