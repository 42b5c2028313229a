"""What is to be run, before anything runs: every point of a sweep loaded, or every mistake told."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from pcsim.config import (
    Candidate,
    Hardware,
    Host,
    Mark,
    Workload,
    assign_overrides,
    candidates,
    check_size,
    load_hardware,
    load_workload,
)
from pcsim.engine import learning_key
from pcsim.errors import InputError, MissingCostError, Problem
from pcsim.program import program_of
from pcsim.sweeps.axes import Group, Values, grid, paths_of, problems_of
from pcsim.sweeps.keys import point_key
from pcsim.technology import price_list

MOST_POINTS = 1_000_000

Reference = str | os.PathLike[str]


@dataclass(frozen=True)
class Setting:
    """One "path=value" of every point, with the place where it was written."""

    text: str
    mark: Mark | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Plan:
    """A sweep: two files, what is set in all points, the axes, and what is asked of every point.

    ``timing_only`` trains nothing: accuracy stays unknown, and predictive coding's inference steps
    are those that the file gives. ``allow_extensions``: the user lets Python files be run that the
    hardware file names; no file can say so.
    """

    hardware: Reference
    workload: Reference
    groups: tuple[Group, ...]
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


def points_of(plan: Plan) -> tuple[Point, ...]:
    """Every point of ``plan``, in the order of its axes.

    Raises:
        InputError: every mistake of every point, each once.
    """
    problems = problems_of(plan.groups)
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))
    every = list(islice(grid(plan.groups), MOST_POINTS + 1))
    if len(every) > MOST_POINTS:
        raise InputError((Problem(f"a sweep must have at most {MOST_POINTS:,} points, not more"),))
    return points_at(plan, every)


def count_up_to(plan: Plan, most: int) -> int:
    """How many points ``plan`` has, but no more than ``most``; none where its axes are wrong."""
    return 0 if problems_of(plan.groups) else sum(1 for _ in islice(grid(plan.groups), most))


def points_at(plan: Plan, chosen: Iterable[Values]) -> tuple[Point, ...]:
    """The points of ``plan`` with these values, in order.

    Raises:
        InputError: every mistake of every one of them, each once.
    """
    loader = _Loader(plan)
    points: list[Point] = []
    problems: dict[Problem, None] = {}
    for values in chosen:
        try:
            points.append(loader.point(values))
        except InputError as error:
            problems.update(dict.fromkeys(error.problems))
    if problems:
        raise InputError(tuple(problems))
    return tuple(points)


class _Loader:
    """Loads points; files with the same settings once, which is most of the work."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.marks = {
            f"{axis.path}={value}": mark
            for group in plan.groups
            for axis in group.axes
            for value, mark in zip(axis.values, axis.marks, strict=False)
        }
        self.marks |= {setting.text: setting.mark for setting in plan.settings if setting.mark}
        self.chips: dict[tuple[str, ...], Hardware | InputError] = {}
        self.works: dict[tuple[str, ...], Workload | InputError] = {}
        self.described: dict[tuple[tuple[str, ...], Candidate], None] = {}
        self.learning: dict[tuple[tuple[str, ...], Candidate], str] = {}

    def point(self, values: Values) -> Point:
        """Raises InputError with all that is wrong with this point."""
        plan = self.plan
        texts = [setting.text for setting in plan.settings]
        texts += [f"{path}={value}" for path, value in values.items()]
        try:
            chip_texts, work_texts = assign_overrides(texts)
        except InputError as error:
            raise InputError(tuple(self._placed(problem) for problem in error.problems)) from None
        if chip_texts not in self.chips:
            self.chips[chip_texts] = self._chip(chip_texts)
        if work_texts not in self.works:
            self.works[work_texts] = self._work(work_texts)
        chip, work = self.chips[chip_texts], self.works[work_texts]
        wrong = [file for file in (chip, work) if isinstance(file, InputError)]
        if wrong:
            raise InputError(tuple(problem for error in wrong for problem in error.problems))
        assert isinstance(chip, Hardware) and isinstance(work, Workload)
        try:
            chosen = candidates(chip, work, rule=plan.rule)
            if plan.timing_only:  # Memory and length of training are of no account.
                check_size(chip, _untrained(work), chosen, host=Host(None, 1))
            else:
                check_size(chip, work, chosen)
            keys = [self._learning(work_texts, work, candidate) for candidate in chosen]
        except InputError as error:
            raise InputError(tuple(self._placed(problem) for problem in error.problems)) from None
        learning = () if plan.timing_only else tuple(keys)
        key = point_key(
            chip, work, learning, rule=plan.rule, seed=plan.seed, timing_only=plan.timing_only
        )
        return Point(values, chip, work, chosen, learning, key)

    def _chip(self, texts: tuple[str, ...]) -> Hardware | InputError:
        try:
            chip = load_hardware(
                self.plan.hardware,
                overrides=texts,
                allow_extensions=self.plan.allow_extensions,
            )
            price_list(chip)
        except MissingCostError as error:
            return InputError((Problem(str(error)),))
        except InputError as error:
            return InputError(tuple(self._placed(problem) for problem in error.problems))
        return chip

    def _work(self, texts: tuple[str, ...]) -> Workload | InputError:
        try:
            return load_workload(self.plan.workload, overrides=texts)
        except InputError as error:
            return InputError(tuple(self._placed(problem) for problem in error.problems))

    def _learning(self, texts: tuple[str, ...], work: Workload, candidate: Candidate) -> str:
        """The key of a candidate's training, once its operations are known to be described."""
        known = (texts, candidate)
        if known not in self.described:
            program_of(work, candidate, steps=candidate.steps)
            self.described[known] = None
            if not self.plan.timing_only:
                self.learning[known] = learning_key(work, candidate, first_seed=self.plan.seed)
        return self.learning.get(known, "")

    def _placed(self, problem: Problem) -> Problem:
        """The problem at the axis' value that brought it, where it is one of those."""
        mark = self.marks.get(problem.file.removeprefix("--set "))
        if mark is None:
            return problem
        return replace(
            problem,
            file=mark.file,
            line=mark.line,
            column=mark.column,
            source_line=mark.source_line,
        )


def _untrained(work: Workload) -> Workload:
    training = work.training.model_copy(update={"epochs": 1, "seeds": 1})
    return work.model_copy(update={"training": training})


def describe(groups: Sequence[Group]) -> Iterator[str]:
    """A line on every group of axes, for people."""
    for group in groups:
        paths = " with ".join(group.paths)
        count = len(group.axes[0].values)
        line = f"{paths}: {count} {'value' if count == 1 else 'values'}"
        for condition in group.when:
            line += f", only where {condition.path} is {' or '.join(condition.values)}"
        yield line
