"""Many points, one table: the whole line at every combination of values of the axes.

Training depends only on part of a point, so it is done once for all points that learn alike; timing
and pricing run on all cores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import cpu_count
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from pcsim.config import Candidate, Hardware, Workload, candidates, check_size, load_both
from pcsim.engine import Training, learning_key, train_all
from pcsim.errors import DoesNotFitError, InputError, Problem
from pcsim.line import best_results, verdict_of
from pcsim.sweeps.axes import Axis, grid, parse_axis
from pcsim.technology import price_list
from pcsim.verdict import Result, Verdict

COLUMNS = (
    "candidate",
    "accuracy",
    "credit_depth",
    "inference_steps",
    "updates_to_target",
    "time_to_target_s",
    "energy_to_target_j",
    "macs",
    "cycles",
    "cycles_cold",
    "latency_s",
    "energy_j",
    "static_energy_j",
    "utilization",
    "area_mm2",
    "energy_ratio",
    "cycles_ratio",
    "energy_to_target_ratio",
    "error",
)
"""Columns of a sweep's table behind those of its axes; ratios are PC over BP."""


@dataclass(frozen=True)
class Point:
    """One combination of values: its overrides as path -> YAML text, and what they give."""

    values: dict[str, str]
    hardware: Hardware
    workload: Workload
    candidates: tuple[Candidate, ...]


def sweep(
    hardware: str,
    workload: str,
    axes: Sequence[str],
    *,
    overrides: Sequence[str] = (),
    rule: str = "all",
    seed: int = 0,
    jobs: int | None = None,
    stage: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Run the whole line at every point of a grid; one row per point and candidate.

    ``hardware`` and ``workload`` are files or shipped names; each of ``axes`` is
    "path=value,value,...", each of ``overrides`` "path=value". ``jobs`` processes time and price the
    points (default: all cores). A point whose network does not fit its chip keeps its row, with the
    reason in column ``error``.

    Raises:
        InputError: every mistake of every point at once.
    """
    tell = stage or (lambda _name: None)
    tell("load")
    parsed = [parse_axis(axis) for axis in axes]
    points = load_points(hardware, workload, parsed, overrides=overrides, rule=rule)
    tell("train")
    trainings = _train(points, seed=seed, progress=progress)
    tell("simulate")
    work = [
        (point, [trainings[_key(point, candidate, seed)] for candidate in point.candidates])
        for point in points
    ]
    workers = min(jobs or cpu_count() or 1, len(work))
    rows = Parallel(n_jobs=workers)(
        delayed(_rows)(point, known, seed=seed) for point, known in work
    )
    table = pd.DataFrame([row for point_rows in rows for row in point_rows])
    return table[[*(axis.path for axis in parsed), *COLUMNS]]


def load_points(
    hardware: str,
    workload: str,
    axes: Sequence[Axis],
    *,
    overrides: Sequence[str],
    rule: str,
) -> list[Point]:
    """Load every point of the grid.

    Raises:
        InputError: with the problems of all points, each once.
    """
    points: list[Point] = []
    problems: dict[Problem, None] = {}
    for values in grid(axes):
        settings = [*overrides, *(f"{path}={value}" for path, value in values.items())]
        try:
            chip, work = load_both(hardware, workload, overrides=settings)
            chosen = candidates(chip, work, rule=rule)
            check_size(chip, work, chosen)
        except InputError as error:
            problems.update(dict.fromkeys(error.problems))
            continue
        points.append(Point(values, chip, work, chosen))
    if problems:
        raise InputError(tuple(problems))
    return points


def _key(point: Point, candidate: Candidate, seed: int) -> str:
    return learning_key(point.workload, candidate, first_seed=seed)


def _train(
    points: Sequence[Point], *, seed: int, progress: Callable[[int, int], None] | None
) -> dict[str, Training]:
    """Every training that some point needs, each once."""
    trainings: dict[str, Training] = {}
    for point in points:
        new = {_key(point, candidate, seed): candidate for candidate in point.candidates}
        missing = {key: candidate for key, candidate in new.items() if key not in trainings}
        if missing:
            trained = train_all(
                point.workload, tuple(missing.values()), first_seed=seed, progress=progress
            )
            trainings.update({key: trained[candidate.id] for key, candidate in missing.items()})
    return trainings


def _rows(point: Point, trainings: Sequence[Training], *, seed: int) -> list[dict[str, Any]]:
    """The rows of one point; runs in a worker process."""
    by_id = {each.id: known for each, known in zip(point.candidates, trainings, strict=True)}
    try:
        prices = price_list(point.hardware)
        results, _ = best_results(
            point.hardware, point.workload, point.candidates, by_id, prices=prices
        )
        verdict = verdict_of(point.hardware, point.workload, results, prices=prices, seed=seed)
    except DoesNotFitError as error:
        empty = dict.fromkeys(COLUMNS)
        return [
            {**point.values, **empty, "candidate": candidate.id, "error": str(error)}
            for candidate in point.candidates
        ]
    return [{**point.values, **_row(verdict, result)} for result in results]


def _row(verdict: Verdict, result: Result) -> dict[str, Any]:
    update, target, ratios = result.per_update, result.to_target, verdict.ratios
    to_target = None if ratios is None else ratios.energy_to_target
    return {
        "candidate": result.candidate.id,
        "accuracy": sum(result.accuracies) / len(result.accuracies),
        "credit_depth": result.credit_depth,
        "inference_steps": result.inference_steps,
        "updates_to_target": target.updates,
        "time_to_target_s": target.time_s,
        "energy_to_target_j": target.energy_j,
        "macs": update.macs,
        "cycles": update.cycles,
        "cycles_cold": update.cycles_cold,
        "latency_s": update.latency_s,
        "energy_j": update.energy_j,
        "static_energy_j": update.static_energy_j,
        "utilization": update.utilization,
        "area_mm2": verdict.area_mm2,
        "energy_ratio": None if ratios is None else ratios.energy,
        "cycles_ratio": None if ratios is None else ratios.cycles,
        "energy_to_target_ratio": None if to_target is None else to_target.value,
        "error": "",
    }
