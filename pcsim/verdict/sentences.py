"""What does the verdict say in plain words? Who wins, by what factor, why, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from pcsim.units import format_quantity
from pcsim.verdict.comparison import Comparison, EqualEnergy, Estimate, Swing
from pcsim.verdict.equal_energy import equal_energy_sentence
from pcsim.verdict.lever_words import lever_sentences
from pcsim.verdict.race_words import race_sentence, with_interval
from pcsim.verdict.result import Result
from pcsim.verdict.tornado import tornado_sentence
from pcsim.verdict.values import Lever
from pcsim.verdict.words import component_name, factor, goal, percent, rule_name


def sentences(
    results: Sequence[Result],
    ratios: Comparison | None,
    *,
    at_equal_energy: EqualEnergy | None = None,
    swings: Sequence[Swing] = (),
    levers: Sequence[Lever] = (),
) -> tuple[str, ...]:
    """The verdict on ``results``, most important first; ``ratios`` is None where only one rule
    ran."""
    said: list[str] = []
    if ratios is not None:
        pc = next(result for result in results if result.candidate.id == ratios.pc)
        bp = next(result for result in results if result.candidate.id == ratios.bp)
        name = rule_name(pc.candidate.rule)
        said += _to_target(pc, bp, ratios, name)
        if swings:
            advantage = ratios.sample_advantage
            said.append(
                tornado_sentence(swings, None if advantage is None else advantage.value, name)
            )
        if at_equal_energy is not None:
            said.append(equal_energy_sentence(at_equal_energy, name))
        said += _per_update(pc, bp, ratios)
    else:
        said += [_alone(result) for result in results]
    said += _accuracy(results)
    said += [sentence for result in results for sentence in _fell_back(result)]
    said += [held_up(result) for result in results]
    said += lever_sentences(levers)
    return tuple(said)


CAUSES = {
    "link": "links",
    "flight": "hops",
    "room": "waiting for room or supply",
    "dma": "DMA set-up",
}
"""Causes of the critical path that are no component of the bill."""

SHOWN_CAUSES = 4


def held_up(result: Result) -> str:
    """What an update's time went to: the causes along its critical path, and its busiest unit."""
    bound = result.bound
    busiest = f"the busiest unit, {bound.busiest}, works {_percent0(bound.busy_share)} of the time"
    path = result.critical_path
    if not path:
        return f"In an update of {result.name} {busiest}."
    total = sum(path.values())
    parts = [
        f"{_percent0(cycles / total)} {CAUSES.get(cause, component_name(cause))}"
        for cause, cycles in list(path.items())[:SHOWN_CAUSES]
        if cycles >= 0.01 * total
    ]
    return f"The critical path of {result.name}'s update, {total:,} cycles, is {', '.join(parts)}; {busiest}."


def _percent0(share: float) -> str:
    return f"{100 * share:.0f} %"


def _to_target(pc: Result, bp: Result, ratios: Comparison, name: str) -> Iterator[str]:
    yield from (race_sentence(race, pc, bp) for race in ratios.races)
    if ratios.energy is not None:
        measured = "the measured advantage is not known"
        if ratios.sample_advantage is not None:
            measured = f"the measured advantage is {with_interval(ratios.sample_advantage)}"
        yield (
            f"Break-even: {name} must reach the target with {factor(ratios.energy)} times fewer samples than BP "
            f"to take the same energy on this chip; {measured}."
        )
    yield from _other_measures(ratios, name)
    if ratios.energy_to_target is not None and ratios.energy_to_target.decided:
        yield from _assumed_decide(ratios.energy_to_target, ratios, name)


def _other_measures(ratios: Comparison, name: str) -> Iterator[str]:
    """Samples to target by two other measures, which need no accuracy to be crossed."""
    if ratios.loss_crossing is None or ratios.curve_area is None:
        return
    yield (
        f"By other measures {name} needs {with_interval(ratios.loss_crossing)} times BP's samples until "
        f"the validation loss has fallen to that of the target, and the area over its accuracy curve is "
        f"{with_interval(ratios.curve_area)} times BP's."
    )


def _assumed_decide(estimate: Estimate, ratios: Comparison, name: str) -> Iterator[str]:
    """Whether costs that nobody published could turn the energy verdict."""
    if ratios.energy_range is None or ratios.energy is None:
        return
    low, high = (bound / ratios.energy * estimate.value for bound in ratios.energy_range)
    turn = "could turn" if low < 1 < high else "do not turn"
    yield (
        f"Assumed costs {turn} this: over their ranges {name}'s energy to target is {factor(low)} to "
        f"{factor(high)} times BP's."
    )


def _missed(result: Result, accuracy: str) -> str:
    seeds = len(result.to_target.per_seed)
    return (
        f"{result.name} did not reach {accuracy} on {seeds - result.to_target.seeds_reached} of {seeds} "
        f"seeds in {result.training.updates_total:,} updates; nothing is extrapolated."
    )


def _per_update(pc: Result, bp: Result, ratios: Comparison) -> Iterator[str]:
    if ratios.energy is None or ratios.cycles is None or ratios.macs is None:
        return
    span = ""
    if ratios.energy_range is not None:
        low, high = ratios.energy_range
        span = f" ({factor(low)}..{factor(high)} over the ranges of the assumed costs)"
    yield (
        f"One update of {rule_name(pc.candidate.rule)} takes {factor(ratios.energy)} times BP's energy{span}, "
        f"{factor(ratios.cycles)} times its cycles and {factor(ratios.macs)} times its "
        f"multiply-accumulates{_steps(pc.inference_steps)}."
    )
    yield from _why(pc, bp)


def _steps(steps: int) -> str:
    return f", with {steps} inference step{'' if steps == 1 else 's'}" if steps else ""


def _why(pc: Result, bp: Result) -> Iterator[str]:
    """Which components make up the difference in energy per update."""
    mine, theirs = pc.per_update.energy_by_component_j, bp.per_update.energy_by_component_j
    gaps = {
        component: mine.get(component, 0.0) - theirs.get(component, 0.0)
        for component in (mine.keys() | theirs.keys())
    }
    total = pc.per_update.energy_j - bp.per_update.energy_j
    largest = sorted(gaps, key=lambda component: (-abs(gaps[component]), component))
    named = [component for component in largest[:3] if abs(gaps[component]) >= 0.05 * abs(total)]
    if not total or not named:
        return
    parts = ", ".join(
        f"{component_name(component)} {'+' if gaps[component] > 0 else '-'}"
        f"{format_quantity(abs(gaps[component]), 'J')}"
        for component in named
    )
    more = "more" if total > 0 else "less"
    yield f"That is {format_quantity(abs(total), 'J')} {more} per update, most of it from {parts}."


def _alone(result: Result) -> str:
    accuracy = f"{goal(result.to_target.levels)} validation accuracy"
    if result.to_target.updates is None:
        return _missed(result, accuracy)
    return f"{result.name} reached {accuracy} after {result.to_target.updates:,.0f} updates on average."


def _accuracy(results: Sequence[Result]) -> Iterator[str]:
    parts = []
    for result in results:
        values = result.accuracies
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            continue
        mean = f"{100 * fmean(known):.2f} %"
        spread = f" ({100 * min(known):.2f}..{100 * max(known):.2f})" if len(known) > 1 else ""
        parts.append(f"{result.name} {mean}{spread}")
    if parts:
        yield f"Test accuracy after training: {', '.join(parts)}."


FALLEN = 0.05
"""From this loss of validation accuracy since its best on, a training is said to have fallen back."""


def _fell_back(result: Result) -> Iterator[str]:
    """A training that was better before it ended; its rate is too high, or it ran too long."""
    best = fmean(max(curve.validation_accuracy) for curve in result.training.curves)
    last = fmean(curve.validation_accuracy[-1] for curve in result.training.curves)
    if best - last >= FALLEN:
        yield (
            f"{result.name} fell back: its validation accuracy was {percent(best)} at its best and "
            f"{percent(last)} at the end (means over seeds)."
        )
