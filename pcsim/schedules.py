"""Which of the schedules that each rule is offered stands for it on this chip?

All that fit are timed and priced, without their cold starts; ``verdict.best`` ranks them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pcsim.config import Candidate, Hardware, Workload, problem_at
from pcsim.engine import Profile, Training
from pcsim.errors import DoesNotFitError, PcsimError, Problem, TruncatedCreditError
from pcsim.machine import simulate
from pcsim.placement import place
from pcsim.program import Program, Told, program_of
from pcsim.technology import PriceList, bill
from pcsim.verdict import Tried, cost_of, ranked, to_target
from pcsim.verdict.truncated import remedy_of, why_truncated


def update_program(workload: Workload, candidate: Candidate, *, profile: Profile | None) -> Program:
    """One update by ``candidate``; without a ``profile`` every step is made and all is told."""
    if profile is None:
        return program_of(workload, candidate, steps=candidate.steps)
    told = Told(profile.sent_states, profile.sent_errors)
    return program_of(workload, candidate, steps=profile.steps, told=told)


def too_large_of(
    hardware: Hardware, workload: Workload, offered: Sequence[Candidate]
) -> dict[str, DoesNotFitError]:
    """Why which of ``offered`` do not fit, by id; no training is needed to tell.

    Raises:
        DoesNotFitError: none of a rule fits; the reason of its last.
    """
    errors: dict[str, DoesNotFitError] = {}
    for candidate in offered:
        try:
            program = update_program(workload, candidate, profile=None)
            place(program, hardware, spread=candidate.spread)
        except DoesNotFitError as error:
            errors[candidate.id] = error
    _check_one_fits(hardware, workload, offered, errors)
    return errors


def check_credit(workload: Workload, candidate: Candidate, training: Training) -> None:
    """Make sure that predictive coding teaches every layer, where ``full_credit`` asks for that.

    By what was measured on a batch after training, not by the number of steps.

    Raises:
        TruncatedCreditError: some layer has no credit; says why, and what would give it some.
    """
    layers = workload.network.depth
    asked = workload.pc is not None and workload.pc.full_credit
    if candidate.rule != "pc" or not asked or training.credit_depth == layers:
        return
    profile = training.profile
    remedy = remedy_of(candidate, profile, workload.network.graph)
    raise TruncatedCreditError(
        f"pc.full_credit is asked for, but {candidate.id} teaches {training.credit_depth} of {layers} "
        f"layers: {why_truncated(profile)}.{f' {remedy}' if remedy else ''}"
    )


def choose(
    hardware: Hardware,
    workload: Workload,
    offered: Sequence[Candidate],
    trainings: Mapping[str, Training],
    *,
    prices: PriceList,
    too_large: Mapping[str, DoesNotFitError],
) -> tuple[tuple[Candidate, ...], tuple[Tried, ...]]:
    """The best of ``offered`` by the workload's objective for each rule, and all that were tried, none
    where each rule has but one.

    ``trainings`` are those of ``offered`` by id; ``too_large`` are those known not to fit.

    Raises:
        DoesNotFitError: none of a rule fits; the reason of its last.
        TruncatedCreditError: likewise, where the last does not teach every layer as asked.
    """
    if len({candidate.rule for candidate in offered}) == len(offered):
        return tuple(offered), ()
    errors: dict[str, PcsimError] = dict(too_large)
    tried = []
    for candidate in offered:
        if candidate.id not in errors:
            training = trainings[candidate.id]
            try:
                tried.append(_try(hardware, workload, candidate, training, prices=prices))
                continue
            except (DoesNotFitError, TruncatedCreditError) as error:
                errors[candidate.id] = error
        tried.append(Tried(candidate, None, None, str(errors[candidate.id])))
    _check_one_fits(hardware, workload, offered, errors)
    ranks = ranked(tried, workload.objective)
    return tuple(each.candidate for each in ranks if each.chosen), ranks


def _try(
    hardware: Hardware,
    workload: Workload,
    candidate: Candidate,
    training: Training,
    *,
    prices: PriceList,
) -> Tried:
    check_credit(workload, candidate, training)
    program = update_program(workload, candidate, profile=training.profile)
    activity = simulate(place(program, hardware, spread=candidate.spread), hardware)
    paid = bill(activity, prices, clock_hz=hardware.clock_hz)
    cost = cost_of(activity, paid, clock_hz=hardware.clock_hz, cycles_cold=None)
    target = workload.training.target_accuracy
    return Tried(candidate, cost, to_target(training, cost, target=target))


def _check_one_fits(
    hardware: Hardware,
    workload: Workload,
    offered: Sequence[Candidate],
    errors: Mapping[str, PcsimError],
) -> None:
    for rule in dict.fromkeys(candidate.rule for candidate in offered):
        mine = [candidate.id for candidate in offered if candidate.rule == rule]
        if all(key in errors for key in mine):
            last = errors[mine[-1]]
            if isinstance(last, DoesNotFitError):
                raise DoesNotFitError(str(misfit(hardware, workload, last)))
            raise last


def misfit(hardware: Hardware, workload: Workload, error: DoesNotFitError) -> Problem:
    """That a network does not fit on a chip, at the place of the network; what would fit is the hint."""
    first, _, rest = str(error).partition("\n")
    way = f"network.{workload.network.way}"
    said = f"{way} must fit on {hardware.name}; {first}"
    return problem_at(workload, way, said, hint=rest.replace("\n", "\n    "))
