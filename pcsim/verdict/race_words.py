"""How is it said who reached the target with less?

One sentence a race. The screen's first line and the report's sentences are made here, so that they agree.
"""

from __future__ import annotations

from pcsim.verdict.comparison import Estimate, Race
from pcsim.verdict.result import Result
from pcsim.verdict.words import BP, factor, goal, rule_name


def with_interval(estimate: Estimate) -> str:
    """``1.27 (1.20..1.35)``, or without the interval where there is none."""
    if estimate.low is None or estimate.high is None:
        return factor(estimate.value)
    return f"{factor(estimate.value)} ({factor(estimate.low)}..{factor(estimate.high)})"


def headline(race: Race) -> str:
    """Who wins, in two or three words."""
    if race.winner is not None:
        return f"{rule_name(race.winner)} wins"
    return "undecided" if race.reason in ("missed", "diverged", "one seed") else "no winner"


def race_sentence(race: Race, pc: Result, bp: Result) -> str:
    """The whole answer of one race: who wins, by what factor, and else what would tell."""
    start = f"{headline(race)[0].upper()}{headline(race)[1:]} by {race.what}"
    return f"{start}: {_finding(race, pc, bp)}"


def _finding(race: Race, pc: Result, bp: Result) -> str:
    reached = f"{goal(pc.to_target.levels)} validation accuracy"
    if race.reason == "diverged":
        who = [result for result in (pc, bp) if _diverged(result)]
        said = " and ".join(f"{result.name} diverged on {_diverged(result)}" for result in who)
        return f"{said} of {len(pc.to_target.per_seed)} seeds; a smaller rate may mend this."
    if race.ratio is not None:
        text = f"{_name(pc)} takes {with_interval(race.ratio)} times BP's {race.what} to reach {reached}"
        if race.reason == "seeds":
            return f"{text}; the 95 % interval contains 1{_seeds(race)}."
        if race.reason == "one seed":
            return f"{text} on one seed; two or more seeds are needed to tell."
        return f"{text}."
    return _censored(race, pc, bp, reached)


def _censored(race: Race, pc: Result, bp: Result, reached: str) -> str:
    """Where a rule did not arrive on some seed."""
    late = [result for result in (pc, bp) if _missed(result)]
    missed = " and ".join(
        f"{result.name} did not reach {reached} on {_missed(result)} of "
        f"{len(result.to_target.per_seed)} seeds"
        for result in late
    )
    if len(late) == 2:
        return f"{missed}; longer training would tell."
    if race.winner is None:
        if race.reason == "one seed":
            return f"{missed}; two or more seeds are needed to tell."
        more = "longer training" if race.more_epochs is None else _epochs(race.more_epochs)
        return (
            f"{missed}, and had not yet spent more {race.what} than the other; {more} would tell."
        )
    bound = race.at_least if race.winner == BP else race.at_most
    assert bound is not None
    what = "at least" if race.winner == BP else "at most"
    return (
        f"{missed}, and had by then spent more: {_name(pc)} takes {what} {with_interval(bound)} times BP's "
        f"{race.what}."
    )


def _name(result: Result) -> str:
    return rule_name(result.candidate.rule)


def _missed(result: Result) -> int:
    return len(result.to_target.per_seed) - result.to_target.seeds_reached


def _diverged(result: Result) -> int:
    return sum(seed.diverged and seed.updates is None for seed in result.to_target.per_seed)


def _epochs(count: int) -> str:
    return f"{count:,} more epoch{'' if count == 1 else 's'}"


def _seeds(race: Race) -> str:
    """What would tell, where seeds could."""
    if race.more_seeds is None:
        return ""
    return f", about {race.more_seeds:,} more seed{'' if race.more_seeds == 1 else 's'} would tell"
