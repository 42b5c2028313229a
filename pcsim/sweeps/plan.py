"""What is to be run, before anything runs: every point of a sweep loaded, or every mistake told."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pcsim.config import (
    Candidate,
    Hardware,
    Host,
    Mark,
    Setting,
    Workload,
    candidates,
    check_size,
)
from pcsim.config.overrides import assign
from pcsim.engine import learning_key
from pcsim.errors import InputError, Problem
from pcsim.intake import examined_hardware, examined_workload
from pcsim.program import program_of
from pcsim.sweeps.axes import AxisGroup, Values, at_axis, grid, paths_of, problems_of
from pcsim.sweeps.keys import point_key

MOST_POINTS = 1_000_000
MOST_TOLD = 25
"""Mistakes of points after which no more points are looked at."""

Reference = str | os.PathLike[str]
Settings = tuple[Setting, ...]


@dataclass(frozen=True)
class SweepPlan:
    """A sweep: two files, what is set in all points, the axes, and what is asked of every point.

    ``timing_only`` trains nothing: accuracy stays unknown, and predictive coding's inference steps
    are those that the file gives. ``allow_extensions``: the user lets Python files be run that the
    hardware file names; no file can say so.
    """

    hardware: Reference
    workload: Reference
    groups: tuple[AxisGroup, ...]
    settings: tuple[Setting, ...] = ()
    rule: str = "all"
    seed: int = 0
    timing_only: bool = False
    allow_extensions: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the axes, in order."""
        return paths_of(self.groups)


@dataclass(frozen=True)
class Point:
    """One combination: its values, what they give, and the key of its result.

    ``learning`` are the keys of the trainings of its candidates, none where nothing is trained.
    """

    values: Values
    hardware: Hardware
    workload: Workload
    candidates: tuple[Candidate, ...]
    learning: tuple[str, ...]
    key: str


def points_of(plan: SweepPlan) -> tuple[Point, ...]:
    """Every point of ``plan``, in the order of its axes.

    Raises:
        InputError: the mistakes of the points, as ``points_at`` tells them.
    """
    problems = problems_of(plan.groups)
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))
    every = list(islice(grid(plan.groups), MOST_POINTS + 1))
    if len(every) > MOST_POINTS:
        said = f"a sweep must have at most {MOST_POINTS:,} points, not more"
        raise InputError((at_axis(plan.groups[-1].axes[0], said),))
    return points_at(plan, every)


def count_up_to(plan: SweepPlan, most: int) -> int:
    """How many points ``plan`` has, but no more than ``most``; none where its axes are wrong."""
    return 0 if problems_of(plan.groups) else sum(1 for _ in islice(grid(plan.groups), most))


def points_at(plan: SweepPlan, chosen: Iterable[Values]) -> tuple[Point, ...]:
    """The points of ``plan`` with these values, in order.

    Raises:
        InputError: their mistakes, each once. After ``MOST_TOLD`` it says how many points it has not looked at, as
            one wrong axis makes as many mistakes as it has values.
    """
    loader = _Loader(plan)
    points: list[Point] = []
    problems: dict[Problem, None] = {}
    waiting = iter(chosen)
    for values in waiting:
        if len(problems) >= MOST_TOLD:
            left = 1 + sum(1 for _ in waiting)
            problems[Problem(f"{left:,} more points were not looked at")] = None
            break
        try:
            points.append(loader.point(values))
        except InputError as error:
            problems.update(dict.fromkeys(error.problems))
    if problems:
        raise InputError(tuple(problems))
    return tuple(points)


class _Loader:
    """Loads points; files with the same settings once, which is most of the work."""

    def __init__(self, plan: SweepPlan) -> None:
        self.plan = plan
        self.marks: dict[tuple[str, str], Mark] = {
            (axis.path, value): mark
            for group in plan.groups
            for axis in group.axes
            for value, mark in zip(axis.values, axis.marks, strict=False)
        }
        self.chips: dict[Settings, Hardware | InputError] = {}
        self.works: dict[Settings, Workload | InputError] = {}
        self.described: dict[tuple[Settings, Candidate], None] = {}
        self.learning: dict[tuple[Settings, Candidate], str] = {}

    def point(self, values: Values) -> Point:
        """Raises InputError with all that is wrong with this point."""
        plan = self.plan
        settings = [*plan.settings]
        settings += [
            Setting(f"{path}={value}", self.marks.get((path, value)))
            for path, value in values.items()
        ]
        assigned = assign(settings)
        if assigned.problems:
            raise InputError(assigned.problems)
        for_chip, for_work = assigned.hardware, assigned.workload
        if for_chip not in self.chips:
            self.chips[for_chip] = self._chip(for_chip)
        if for_work not in self.works:
            self.works[for_work] = self._work(for_work)
        chip, work = self.chips[for_chip], self.works[for_work]
        wrong = [file for file in (chip, work) if isinstance(file, InputError)]
        if wrong:
            raise InputError(tuple(problem for error in wrong for problem in error.problems))
        assert isinstance(chip, Hardware) and isinstance(work, Workload)
        chosen = candidates(chip, work, rule=plan.rule)
        if plan.timing_only:  # Memory and length of training are of no account.
            check_size(chip, _untrained(work), chosen, host=Host(None, 1))
        else:
            check_size(chip, work, chosen)
        keys = [self._learning(for_work, work, candidate) for candidate in chosen]
        learning = () if plan.timing_only else tuple(keys)
        key = point_key(
            chip, work, learning, rule=plan.rule, seed=plan.seed, timing_only=plan.timing_only
        )
        return Point(values, chip, work, chosen, learning, key)

    def _chip(self, settings: Settings) -> Hardware | InputError:
        chip, problems = examined_hardware(
            self.plan.hardware,
            overrides=settings,
            allow_extensions=self.plan.allow_extensions,
        )
        return InputError(problems) if chip is None or problems else chip

    def _work(self, settings: Settings) -> Workload | InputError:
        trains = not self.plan.timing_only
        work, problems = examined_workload(
            self.plan.workload,
            overrides=settings,
            trains=trains,
            allow_extensions=self.plan.allow_extensions,
        )
        return InputError(problems) if work is None or problems else work

    def _learning(self, settings: Settings, work: Workload, candidate: Candidate) -> str:
        """The key of a candidate's training, once its operations are known to be described."""
        known = (settings, candidate)
        if known not in self.described:
            program_of(work, candidate, steps=candidate.steps)
            self.described[known] = None
            if not self.plan.timing_only:
                self.learning[known] = learning_key(work, candidate, first_seed=self.plan.seed)
        return self.learning.get(known, "")


def _untrained(work: Workload) -> Workload:
    training = work.training.model_copy(update={"epochs": 1, "seeds": 1})
    return work.model_copy(update={"training": training})


def describe(groups: Sequence[AxisGroup]) -> Iterator[str]:
    """A line on every group of axes, for people."""
    for group in groups:
        paths = " with ".join(group.paths)
        count = len(group.axes[0].values)
        line = f"{paths}: {count} {'value' if count == 1 else 'values'}"
        for condition in group.when:
            line += f", only where {condition.path} is {' or '.join(condition.values)}"
        yield line
