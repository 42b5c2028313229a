"""Everything that a tuning will train, before it trains: the same number of trials for every rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

from pcsim.config import (
    Candidate,
    Hardware,
    PredictiveCoding,
    Workload,
    candidates,
    check_size,
)
from pcsim.errors import InputError
from pcsim.program import program_of
from pcsim.tuning.design import Ranges, accepts, design, with_settings


@dataclass(frozen=True)
class Trial:
    """One setting of one rule. ``number`` counts from 1, which is the workload's own setting;
    ``workload`` holds the setting, and ``candidate`` is what the engine trains."""

    rule: str
    number: int
    workload: Workload
    candidate: Candidate


@dataclass(frozen=True)
class TuningPlan:
    """What to tune and how: ``course`` is ``workload`` with the seeds and epochs of a trial."""

    workload: Workload
    course: Workload
    budget: int
    first_seed: int
    trials: tuple[Trial, ...]

    @property
    def rules(self) -> tuple[str, str]:
        return self.workload.challenger, "bp"

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return tuple(trial.candidate for trial in self.trials)


def plan_tuning(
    hardware: Hardware,
    workload: Workload,
    *,
    ranges: Ranges,
    budget: int,
    seeds: int = 1,
    epochs: int | None = None,
    first_seed: int = 0,
) -> TuningPlan:
    """``budget`` trials of each rule, each of ``seeds`` seeds and ``epochs`` (the workload's unless
    given). Of ``hardware`` only the number formats matter.

    Raises:
        InputError: the ranges hold too few settings, or the trials are too large for this machine.
    """
    settings = workload.training
    training = settings.model_copy(update={"seeds": seeds, "epochs": epochs or settings.epochs})
    course = workload.model_copy(update={"training": training})
    orders = timed_orders(hardware, workload)
    trials = tuple(
        Trial(rule, number, variant, _candidate(hardware, variant, rule, number))
        for rule in (workload.challenger, "bp")
        for number, variant in enumerate(
            design(workload, rule, budget=budget, ranges=ranges, orders=orders), start=1
        )
    )
    plan = TuningPlan(workload, course, budget, first_seed, trials)
    check_size(hardware, course, plan.candidates)
    return plan


def timed_orders(hardware: Hardware, workload: Workload) -> tuple[str, ...]:
    """The orders in which predictive coding may relax beside the workload's other settings and whose
    operations are described: a winner that could not be timed would answer no question."""
    if workload.pc is None:
        return ()
    known = get_args(PredictiveCoding.model_fields["order"].annotation)
    return tuple(
        order
        for order in known
        if accepts(workload, "order", order)
        and _is_timed(hardware, with_settings(workload, "pc", {"order": order}))
    )


def _is_timed(hardware: Hardware, workload: Workload) -> bool:
    (candidate,) = candidates(hardware, workload, rule="pc")
    try:
        program_of(workload, candidate, steps=candidate.steps)
    except InputError:
        return False
    return True


def _candidate(hardware: Hardware, workload: Workload, rule: str, number: int) -> Candidate:
    """The rule's candidate under an id of its own, so that all trials train side by side."""
    candidate = candidates(hardware, workload, rule=rule)[0]
    return replace(candidate, id=f"{rule}-{number}")
