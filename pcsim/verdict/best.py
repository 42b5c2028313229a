"""Which of the schedules that a rule was offered stands for it? The best by the workload's objective.

Both rules are judged by the same measure. Where orders of relaxation are among the schedules, their
training is measured on the very seeds that choose among them, which favours predictive coding a little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pcsim.verdict.result import Tried
from pcsim.verdict.words import OBJECTIVE_NAMES, rule_name

PER_UPDATE = {"energy_to_target": "energy", "time_to_target": "latency"}
"""What stands in for an objective that nothing reached."""


def ranked(tried: Sequence[Tried], objective: str) -> tuple[Tried, ...]:
    """The schedules of each rule from its best to its worst, which drops out last; the best is marked.

    By ``objective``, then by cycles, joules and name. Where no schedule of a rule reached the target on
    every seed, those that did on more seeds come first, then those that need less per update. Rules
    keep their order.
    """
    found: list[Tried] = []
    for rule in dict.fromkeys(each.candidate.rule for each in tried):
        mine = [each for each in tried if each.candidate.rule == rule]
        ran = [each for each in mine if not each.reason]
        by = measure(mine, objective)
        missing = objective in PER_UPDATE
        ran.sort(key=lambda each: (_missed(each) if missing else 0, *_key(each, by)))
        found += [replace(each, chosen=each is ran[0]) for each in ran]
        found += [each for each in mine if each.reason]
    return tuple(found)


def measure(tried: Sequence[Tried], objective: str) -> str:
    """``objective``, or what takes its place where none of ``tried``, all of one rule, reached the target
    on every seed."""
    if objective not in PER_UPDATE or any(_reached(each) for each in tried):
        return objective
    return PER_UPDATE[objective]


def _reached(each: Tried) -> bool:
    return each.to_target is not None and each.to_target.updates is not None


def _missed(each: Tried) -> int:
    """On how many seeds the target was not reached."""
    target = each.to_target
    return 0 if target is None else len(target.per_seed) - target.seeds_reached


def _key(each: Tried, by: str) -> tuple[float, int, float, str]:
    cost, target = each.per_update, each.to_target
    assert cost is not None and target is not None
    values = {
        "latency": cost.latency_s,
        "energy": cost.energy_j,
        "edp": cost.edp_js,
        "time_to_target": target.time_s,
        "energy_to_target": target.energy_j,
    }
    value = values[by]
    unknown = float("inf")
    ends = (cost.cycles, cost.energy_j, each.candidate.id)
    return (unknown if value is None else value, *ends)


def best_sentences(tried: Sequence[Tried], objective: str) -> Iterator[str]:
    """What each rule was offered, what became of it, and whether the offers were alike."""
    counts: dict[str, int] = {}
    for rule in dict.fromkeys(each.candidate.rule for each in tried):
        mine = [each for each in tried if each.candidate.rule == rule]
        counts[rule_name(rule)] = len(mine)
        if len(mine) == 1:
            continue
        by = measure(mine, objective)
        fit = sum(not each.reason for each in mine)
        best = next(each.candidate.id for each in mine if each.chosen)
        yield (
            f"{rule_name(rule)} runs {best}, the best of {len(mine)} schedules by "
            f"{OBJECTIVE_NAMES[by]}, of which {'all' if fit == len(mine) else fit} fit the chip."
        )
        if by != objective:
            yield (
                f"No schedule of {rule_name(rule)} reached the target on every seed: of those that did "
                f"on the most seeds the best by {OBJECTIVE_NAMES[by]} was taken, instead of by "
                f"{OBJECTIVE_NAMES[objective]}."
            )
    if len(counts) == 2:
        (pc, given_pc), (bp, given_bp) = counts.items()
        yield (
            f"The same program placed both rules, with the same effort: {pc} was given {given_pc} "
            f"schedule{'' if given_pc == 1 else 's'}, {bp} {given_bp}."
        )
