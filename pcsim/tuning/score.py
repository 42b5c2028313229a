"""How good is a setting? By its validation accuracy at the end; test images are not looked at."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from statistics import fmean
from typing import TYPE_CHECKING

from pcsim.verdict.to_target import updates_to_target

if TYPE_CHECKING:
    from pcsim.engine import SeedCurve, Training

LAST = 3
"""Evaluations at the end of a training whose mean is its accuracy: a single one is noisy."""

OBJECTIVE = f"mean over seeds of the mean of the last {LAST} validation accuracies"


@dataclass(frozen=True)
class Score:
    """Mean validation accuracy at the end, mean updates to the target (None unless every seed reached
    it) and how many seeds diverged, each of which counts as an accuracy of 0."""

    accuracy: float
    updates_to_target: float | None
    diverged: int

    def key(self, *, steps: int) -> tuple[float, float, int]:
        """Sorts best first: the higher accuracy, then the fewer updates, then the fewer ``steps``."""
        updates = inf if self.updates_to_target is None else self.updates_to_target
        return -self.accuracy, updates, steps


def score_of(training: Training, *, target: float) -> Score:
    """The score of one setting, from its validation curves alone."""
    reached = [updates_to_target(curve, target) for curve in training.curves]
    known = [updates for updates in reached if updates is not None]
    return Score(
        # Accuracies are quotients of whole numbers: what differs less is equal but for rounding.
        accuracy=round(fmean(map(_accuracy, training.curves)), 9),
        updates_to_target=fmean(known) if len(known) == len(reached) else None,
        diverged=sum(curve.diverged_at is not None for curve in training.curves),
    )


def _accuracy(curve: SeedCurve) -> float:
    """Of the last evaluations after an update; one that did not diverge has at least one."""
    return fmean(curve.validation_accuracy[1:][-LAST:]) if curve.diverged_at is None else 0.0
