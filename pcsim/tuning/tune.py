"""Which setting of each rule is best? Every trial trained and scored, then the tuned workload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pcsim.config import Tuning, Workload, settings_fingerprint
from pcsim.engine import train_all
from pcsim.tuning.plan import Trial, TuningPlan
from pcsim.tuning.score import Score, score_of

Scorer = Callable[[TuningPlan], Sequence[Score]]
"""Gives every trial of a plan its score, in order."""

SUFFIX = "-tuned"
LONGEST_NAME = 64


@dataclass(frozen=True)
class Outcome:
    """One trial, its score, and its rank among those of its rule, from 1."""

    trial: Trial
    score: Score
    rank: int


@dataclass(frozen=True)
class Tuned:
    """What a tuning found: every outcome in the order of the plan, and the ``workload`` with the best
    setting of each rule."""

    plan: TuningPlan
    outcomes: tuple[Outcome, ...]
    workload: Workload

    def of(self, rule: str) -> tuple[Outcome, ...]:
        """The outcomes of one rule, best first."""
        mine = (outcome for outcome in self.outcomes if outcome.trial.rule == rule)
        return tuple(sorted(mine, key=lambda outcome: outcome.rank))

    def own(self, rule: str) -> Outcome:
        """That of the workload's own setting."""
        return next(outcome for outcome in self.of(rule) if outcome.trial.number == 1)

    def curve(self) -> tuple[Outcome, ...]:
        """Predictive coding's best outcome at each number of inference steps tried, fewest first."""
        best: dict[int, Outcome] = {}
        for outcome in self.of(self.plan.workload.challenger):
            best.setdefault(outcome.trial.candidate.steps, outcome)
        return tuple(best[steps] for steps in sorted(best))


def tune(
    plan: TuningPlan,
    *,
    scorer: Scorer | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Tuned:
    """Train and score every trial of ``plan``, and take the best of each rule.

    Trainings are stored as all are, so that what was interrupted goes on. ``scorer`` stands in for
    the training; ``progress`` is told how many of how many updates are made.
    """
    scores = scorer(plan) if scorer else _trained(plan, progress)
    outcomes = _ranked(plan.trials, scores)
    best = {o.trial.rule: o.trial.workload for o in outcomes if o.rank == 1}
    sections = {
        rule if rule in ("pc", "bp") else "rule": best[rule].settings_of(rule)
        for rule in plan.rules
    }
    name = tuned_name(plan.workload)
    workload = plan.workload.model_copy(update={"name": name, **sections})
    tuning = Tuning(
        budget=plan.budget,
        seeds=plan.course.training.seeds,
        epochs=plan.course.training.epochs,
        settings=settings_fingerprint(workload),
    )
    return Tuned(plan, outcomes, workload.model_copy(update={"tuning": tuning}))


def tuned_name(workload: Workload) -> str:
    """What ``workload`` is called once it is tuned; a name too long for that is cut."""
    return f"{workload.name[: LONGEST_NAME - len(SUFFIX)]}{SUFFIX}"


def _trained(plan: TuningPlan, progress: Callable[[int, int], None] | None) -> list[Score]:
    trainings = train_all(
        plan.course, plan.candidates, first_seed=plan.first_seed, progress=progress
    )
    target = plan.course.training.target_accuracy
    return [score_of(trainings[candidate.id], target=target) for candidate in plan.candidates]


def _ranked(trials: Sequence[Trial], scores: Sequence[Score]) -> tuple[Outcome, ...]:
    """Ranks within each rule; what is equal in everything keeps the order of the design."""
    scored = list(zip(trials, scores, strict=True))
    ranks: dict[str, int] = {}
    for rule in dict.fromkeys(trial.rule for trial in trials):
        mine = [(trial, score) for trial, score in scored if trial.rule == rule]
        mine.sort(key=lambda pair: pair[1].key(steps=pair[0].candidate.steps))
        ranks |= {trial.candidate.id: rank for rank, (trial, _) in enumerate(mine, start=1)}
    return tuple(Outcome(trial, score, ranks[trial.candidate.id]) for trial, score in scored)
