"""Which ways of learning compete? Each is a rule with an order, a schedule and number formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pcsim.config.alternatives import bp_alternatives, pc_alternatives
from pcsim.config.fields import any_of
from pcsim.config.hardware import Hardware
from pcsim.config.numerics import Numerics
from pcsim.config.rules import (
    Backpropagation,
    Descent,
    Nudging,
    OptimiserSettings,
    Order,
    OwnRule,
    PredictiveCoding,
    Stash,
    Variant,
)
from pcsim.config.workload import Workload
from pcsim.errors import InputError, Problem
from pcsim.network import RULES


@dataclass(frozen=True)
class InferenceSettings:
    """How a candidate of predictive coding infers, beyond its steps and their rate.

    ``variant`` and all else are as in ``PredictiveCoding``, whose docstring says what they mean.
    """

    variant: Variant = "pc"
    order: Order = "jacobi"
    descent: Descent = "gd"
    momentum: float = 0.9
    tolerance: float = 0.0
    threshold: float = 0.0
    nudging: Nudging = "none"
    beta: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether this is the reference algorithm: every step all layers, by gradient descent alone."""
        return self == InferenceSettings(momentum=self.momentum)


@dataclass(frozen=True)
class Candidate:
    """One way of learning, on one chip's numbers.

    ``rule`` is pc, bp or the name of a rule of an extension, whose settings are ``own``. ``order`` is the order in
    which layers relax, ``steps`` the inference steps per update and ``rate`` eta; backpropagation has no order, no
    steps and no such rate. ``inference`` is None for all but predictive coding. ``schedule``, ``micro_batches``,
    ``stash``, ``spread`` and ``check_lag`` say when and where the work is done, ``gated`` and ``window`` too; they
    change no bit of what is learnt. ``streamed``: weights come from DRAM or the global buffer.
    """

    id: str
    rule: str
    order: str | None
    schedule: str
    numerics: Numerics
    steps: int
    rate: float | None
    wavefront: bool
    hoist: bool
    optimiser: OptimiserSettings
    inference: InferenceSettings | None = None
    micro_batches: int = 1
    stash: Stash = "kept"
    spread: int = 1
    check_lag: int = 0
    gated: bool = True
    window: int = 1
    streamed: bool = False
    own: OwnRule | None = None

    @property
    def algorithm(self) -> str:
        """The rule in the words of ``pcsim.network.RULES``, which has one for each variant of predictive coding."""
        return self.inference.variant if self.inference else self.rule

    @property
    def learner(self) -> Candidate:
        """This candidate without all that changes no bit of what is learnt: equal ones learn alike."""
        return Candidate(
            id=self.rule,
            rule=self.rule,
            order=self.order,
            schedule="",
            numerics=self.numerics,
            steps=self.steps,
            rate=self.rate,
            wavefront=False,
            hoist=False,
            optimiser=self.optimiser,
            inference=self.inference,
            own=self.own,
        )


def candidates(
    hardware: Hardware, workload: Workload, *, rule: str = "all"
) -> tuple[Candidate, ...]:
    """The candidates of ``rule``, "pc", "bp" or "all", predictive coding first; or that of an extension by its name.

    Where a rule's schedule is "best" that is one for each of `alternatives`, else one.

    Raises:
        InputError: there is no such rule, or it does not compute in the numbers of this chip.
    """
    known = (workload.challenger, "bp", "all")
    if rule not in known:
        raise InputError((Problem(f"rule must be {any_of(known)}, not {rule!r}"),))
    tiles = hardware.tiles
    numerics = Numerics(tiles.formats, tiles.compute.analog_errors)
    streamed = tiles.sram.streams
    found: list[Candidate] = []
    if rule != "bp" and workload.pc is not None:
        found += (
            _of_pc(pc, numerics, streamed) for pc in pc_alternatives(workload, streamed=streamed)
        )
    if rule != "bp" and workload.rule is not None:
        refused = tuple(map(Problem, workload.rule.limits_of_numbers(numerics)))
        if refused:
            raise InputError(refused)
        found.append(_of_own(workload.rule, numerics, streamed))
    if rule in ("all", "bp"):
        found += (_of_bp(bp, numerics, streamed) for bp in bp_alternatives(workload))
    return tuple(found)


def learners(chosen: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The first of ``chosen`` of each way of learning: what has to be trained for all of them."""
    first: dict[Candidate, Candidate] = {}
    for candidate in chosen:
        first.setdefault(candidate.learner, candidate)
    return tuple(first.values())


def _of_pc(pc: PredictiveCoding, numerics: Numerics, streamed: bool) -> Candidate:
    return Candidate(
        id=_id_of(pc),
        rule="pc",
        order=pc.order,
        schedule=pc.schedule,
        numerics=numerics,
        steps=pc.steps,
        rate=pc.rate,
        wavefront=pc.wavefront and RULES[pc.variant].waits,
        hoist=pc.hoist and RULES[pc.variant].hoists,
        optimiser=pc.optimiser,
        inference=InferenceSettings(
            variant=pc.variant,
            order=pc.order,
            descent=pc.descent,
            momentum=pc.momentum,
            tolerance=pc.tolerance,
            threshold=pc.threshold,
            nudging=pc.nudging,
            beta=pc.beta,
        ),
        micro_batches=pc.micro_batches,
        spread=pc.spread,
        check_lag=pc.check_lag,
        gated=pc.gated,
        window=pc.window,
        streamed=streamed,
    )


def _of_own(own: OwnRule, numerics: Numerics, streamed: bool) -> Candidate:
    return Candidate(
        id=own.name.replace("_", "-"),
        rule=own.name,
        order=None,
        schedule="",
        numerics=numerics,
        steps=own.inference_steps,
        rate=None,
        wavefront=False,
        hoist=False,
        optimiser=own.optimiser,
        streamed=streamed,
        own=own,
    )


def _of_bp(bp: Backpropagation, numerics: Numerics, streamed: bool) -> Candidate:
    return Candidate(
        id="-".join([f"bp-{bp.schedule.replace('_', '-')}", *_mapping_words(bp)]),
        rule="bp",
        order=None,
        schedule=bp.schedule,
        numerics=numerics,
        steps=0,
        rate=None,
        wavefront=False,
        hoist=False,
        optimiser=bp.optimiser,
        micro_batches=bp.micro_batches,
        stash=bp.stash,
        spread=bp.spread,
        streamed=streamed,
    )


def _id_of(pc: PredictiveCoding) -> str:
    """Such as pc-jacobi, z-il or pc-jacobi-momentum-nudged-m4-x2."""
    words = [pc.variant.replace("_", "-")]
    if RULES[pc.variant].reads_all:
        words.append(pc.order.replace("_", "-"))
    if pc.descent != "gd":
        words.append(pc.descent)
    if pc.nudging != "none":
        words.append(pc.nudging)
    if RULES[pc.variant].step_per_node and not pc.gated:
        words.append("ungated")
    if pc.schedule == "skewed":
        words.append(f"skewed{pc.window}")
    elif pc.schedule != "free":
        words.append(pc.schedule)
    return "-".join([*words, *_mapping_words(pc)])


def _mapping_words(settings: PredictiveCoding | Backpropagation) -> Iterator[str]:
    if settings.micro_batches > 1:
        yield f"m{settings.micro_batches}"
    if isinstance(settings, Backpropagation) and settings.stash != "kept":
        yield settings.stash
    if settings.spread > 1:
        yield f"x{settings.spread}"
