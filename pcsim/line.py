"""The whole way, once: from a chip and a workload through every room to a verdict.

    config -> engine -> program -> placement -> machine -> technology -> verdict

Each candidate walks it on its own; training is shared by all that learn alike. Where a workload asks for
the best schedule of a rule, all that fit the chip are timed, and the best stands for its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pcsim.config import Candidate, Hardware, Workload, candidates, check_size
from pcsim.engine import Profile, Training, train_all
from pcsim.errors import DoesNotFitError
from pcsim.format_cost import format_warnings
from pcsim.levers import affordable, levers_of
from pcsim.machine import (
    Activity,
    Recorder,
    Recording,
    critical_path,
    recording_of,
    simulate,
)
from pcsim.placement import Placement, place
from pcsim.program import Program, inference_of
from pcsim.schedules import check_credit, choose, too_large_of, update_program
from pcsim.technology import Bill, PriceList, bill, price_list, ratio_range
from pcsim.verdict import (
    BP,
    Bound,
    Cost,
    LayerPlace,
    Lever,
    Result,
    Tried,
    Verdict,
    Warned,
    bound_of,
    challenger_among,
    cost_of,
    judge,
    to_target,
    tornado,
)


@dataclass(frozen=True)
class Timed:
    """One candidate on one chip, without its accuracy: what an update and an inference cost.

    ``recording`` and ``critical_path``, cycles by cause, are None unless they were asked for;
    ``instances`` counts the operations of an update.
    """

    candidate: Candidate
    per_update: Cost
    per_inference: Cost
    activity: Activity
    bill: Bill
    bound: Bound
    places: tuple[LayerPlace, ...]
    recording: Recording | None
    critical_path: Mapping[str, int] | None
    instances: int


def time_candidate(
    hardware: Hardware,
    workload: Workload,
    candidate: Candidate,
    *,
    profile: Profile | None,
    prices: PriceList,
    record: bool = False,
) -> Timed:
    """Place, simulate and price one update (warm and cold) and one inference of ``candidate``.

    ``profile`` is what training found out of a batch; without one every step is made and all is told.
    ``record`` asks for when each operation of the warm update ran, some 40 bytes of memory for each.
    """
    program = update_program(workload, candidate, profile=profile)
    placement = place(program, hardware, spread=candidate.spread)
    recorder = Recorder() if record else None
    activity = simulate(placement, hardware, recorder=recorder)
    cold = simulate(placement, hardware, cold=True)
    recording = None if recorder is None else recording_of(placement, hardware, activity, recorder)
    update_bill = bill(activity, prices, clock_hz=hardware.clock_hz)
    feed_forward = simulate(place(inference_of(workload), hardware), hardware)
    feed_forward_bill = bill(feed_forward, prices, clock_hz=hardware.clock_hz)
    return Timed(
        candidate,
        cost_of(
            activity,
            update_bill,
            clock_hz=hardware.clock_hz,
            cycles_cold=cold.makespan_cycles,
        ),
        cost_of(feed_forward, feed_forward_bill, clock_hz=hardware.clock_hz, cycles_cold=None),
        activity,
        update_bill,
        bound_of(activity),
        _places(workload, program, placement),
        recording,
        None if recording is None else critical_path(recording),
        int(placement.tasks.instances().sum()),
    )


def run(
    hardware: Hardware,
    workload: Workload,
    *,
    rule: str = "all",
    seed: int = 0,
    record: bool = False,
    levers: bool | None = None,
    stage: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verdict:
    """Train ``workload`` by every rule asked for, time and price each on ``hardware``, and compare.

    ``rule`` is "pc", "bp" or "all"; ``seed`` the first of the workload's seeds; ``record`` asks for when
    each operation of an update ran; ``levers`` for what changes of the chip would bring, None where that
    takes little time. ``stage`` is told the name of each stage as it begins, ``progress``
    how many of how many updates are trained.

    Raises:
        InputError: the job is too large for this machine, or a name or size cannot be priced.
        DoesNotFitError: the network is too large for the chip in every schedule of a rule; says what
            would fit.
        MissingCostError: the technology lacks a cost; names all that are missing.
    """
    tell = stage or (lambda _name: None)
    tell("place")
    chosen = candidates(hardware, workload, rule=rule)
    check_size(hardware, workload, chosen)
    prices = price_list(hardware)
    # What does not fit is said before minutes of training.
    too_large = too_large_of(hardware, workload, chosen)
    fitting = [candidate for candidate in chosen if candidate.id not in too_large]
    tell("train")
    trainings = train_all(workload, fitting, first_seed=seed, progress=progress)
    tell("simulate")
    results, tried = best_results(
        hardware, workload, chosen, trainings, prices=prices, too_large=too_large, record=record
    )
    further = format_warnings(hardware, workload, results, seed=seed, tell=tell, progress=progress)
    if levers is None:
        levers = affordable(results)
    if levers:
        tell("levers")
    moved = levers_of(hardware, workload, results) if levers else ()
    tell("judge")
    return verdict_of(
        hardware,
        workload,
        results,
        prices=prices,
        seed=seed,
        tried=tried,
        further=further,
        levers=moved,
    )


def best_results(
    hardware: Hardware,
    workload: Workload,
    offered: Sequence[Candidate],
    trainings: Mapping[str, Training],
    *,
    prices: PriceList,
    too_large: Mapping[str, DoesNotFitError] | None = None,
    record: bool = False,
) -> tuple[tuple[Result, ...], tuple[Tried, ...]]:
    """The result of the best of ``offered`` for each rule, and all that were tried, as ``choose`` says."""
    best, tried = choose(
        hardware, workload, offered, trainings, prices=prices, too_large=too_large or {}
    )
    results = tuple(
        result_of(
            hardware, workload, candidate, trainings[candidate.id], prices=prices, record=record
        )
        for candidate in best
    )
    return results, tried


def result_of(
    hardware: Hardware,
    workload: Workload,
    candidate: Candidate,
    training: Training,
    *,
    prices: PriceList,
    record: bool = False,
) -> Result:
    """Everything about one trained candidate on this chip.

    Raises:
        TruncatedCreditError: credit for all layers was asked for, and this training gave less.
    """
    check_credit(workload, candidate, training)
    timed = time_candidate(
        hardware, workload, candidate, profile=training.profile, prices=prices, record=record
    )
    target = workload.training.target_accuracy
    return Result(
        candidate=candidate,
        training=training,
        per_update=timed.per_update,
        per_inference=timed.per_inference,
        to_target=to_target(training, timed.per_update, target=target),
        activity=timed.activity,
        bill=timed.bill,
        bound=timed.bound,
        places=timed.places,
        recording=timed.recording,
        critical_path=timed.critical_path,
        instances=timed.instances,
    )


def verdict_of(
    hardware: Hardware,
    workload: Workload,
    results: tuple[Result, ...],
    *,
    prices: PriceList,
    seed: int,
    tried: tuple[Tried, ...] = (),
    further: Sequence[Warned] = (),
    levers: tuple[Lever, ...] = (),
) -> Verdict:
    """Compare the first result of each rule; ``tried`` are the schedules that it was chosen from,
    ``further`` the warnings and ``levers`` the changes of the chip that took simulations of their own."""
    by_rule = {result.candidate.rule: result for result in reversed(results)}
    both = len(by_rule) == 2
    pair = (by_rule[challenger_among(by_rule)], by_rule[BP]) if both else None
    energy_range = ratio_range(pair[0].bill, pair[1].bill, prices) if pair else None
    seeds = tuple(range(seed, seed + workload.training.seeds))
    return judge(
        hardware,
        workload,
        seeds=seeds,
        results=results,
        prices=prices,
        energy_range=energy_range,
        swings=tornado(*pair, prices) if pair else (),
        tried=tried,
        further=further,
        levers=levers,
    )


def _places(workload: Workload, program: Program, placement: Placement) -> tuple[LayerPlace, ...]:
    numbers = {node.name: node.number for node in workload.network.graph.nodes}
    return tuple(
        LayerPlace(
            group.layer,
            program.sizes(group.layer).n_in,
            program.sizes(group.layer).n_out,
            len(group.inputs),
            len(group.outputs),
            group.tiles,
            program.name_of(group.layer) if program.names else "",
            numbers.get(program.name_of(group.layer).partition(".")[0], group.layer),
            program.sizes(group.layer).weights,
        )
        for group in placement.groups
    )
