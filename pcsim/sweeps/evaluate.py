"""What does one point give? A row per candidate; runs in a worker process, on this machine or another.

Knows no pandas: a worker starts in the time that the line takes to import.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pcsim.config import Candidate, Hardware, Workload
from pcsim.config.extensions import import_again
from pcsim.engine import Training
from pcsim.errors import PcsimError
from pcsim.line import Timed, best_results, result_of, time_candidate, verdict_of
from pcsim.network import credited
from pcsim.technology import price_list
from pcsim.verdict import BP, Cost, Result, Verdict, challenger_among
from pcsim.verdict.interval import mean_or_none
from pcsim.verdict.truncated import credit_label, reason_of

COLUMNS = (
    "candidate",
    "accuracy",
    "credit_depth",
    "credit",
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
"""Columns of a sweep's table behind those of its axes; ratios are PC over BP. ``credit`` is empty where
every layer learns, else "truncated" and why."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """All that a worker needs: plain values, so that it needs none of the user's files.

    ``trainings`` are those of ``candidates``, or nothing where only time is asked for.
    """

    hardware: Hardware
    workload: Workload
    candidates: tuple[Candidate, ...]
    trainings: tuple[Training, ...] | None
    seed: int

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to a worker, which has the consent to import extensions from here: they come first, as
        classes of theirs are in what follows."""
        first = _Extensions((*(self.hardware.extensions or ()), *(self.workload.extensions or ())))
        rest = (self.hardware, self.workload, self.candidates, self.trainings, self.seed)
        return _received, (first, *rest)


class _Extensions:
    """Imported where it is received."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        self.paths = paths

    def __reduce__(self) -> tuple[Any, ...]:
        return import_again, (self.paths,)


def _received(_: None, *fields: Any) -> Task:
    return Task(*fields)


def evaluate(task: Task) -> list[Row]:
    """The rows of one point, one per candidate in order.

    A candidate that the chip cannot run keeps its row, with the reason in column ``error``. Where a
    rule may choose among schedules its best has the only row; where nothing was trained all have one, and
    ratios are of the best by what an update costs.
    """
    return _timed(task) if task.trainings is None else _trained(task, task.trainings)


def _trained(task: Task, trainings: Sequence[Training]) -> list[Row]:
    results: dict[str, Result] = {}
    errors: dict[str, str] = {}
    prices = price_list(task.hardware)
    if _several(task):
        return _best(task, trainings)
    for candidate, training in zip(task.candidates, trainings, strict=True):
        try:
            results[candidate.id] = result_of(
                task.hardware, task.workload, candidate, training, prices=prices
            )
        except PcsimError as error:
            errors[candidate.id] = str(error)
    rows = {key: _failed(key, error) for key, error in errors.items()}
    if results:
        known = tuple(results.values())
        verdict = verdict_of(task.hardware, task.workload, known, prices=prices, seed=task.seed)
        rows |= {result.candidate.id: _row(verdict, result) for result in known}
    return [rows[candidate.id] for candidate in task.candidates]


def _several(task: Task) -> bool:
    """Whether a rule has several schedules to choose from."""
    return len({candidate.rule for candidate in task.candidates}) < len(task.candidates)


def _best(task: Task, trainings: Sequence[Training]) -> list[Row]:
    """The row of the best of each rule; of those that cannot run only where none can."""
    by_id = {each.id: known for each, known in zip(task.candidates, trainings, strict=True)}
    prices = price_list(task.hardware)
    try:
        results, _ = best_results(
            task.hardware, task.workload, task.candidates, by_id, prices=prices
        )
    except PcsimError as error:
        return [_failed(task.candidates[0].id, str(error))]
    verdict = verdict_of(task.hardware, task.workload, results, prices=prices, seed=task.seed)
    return [_row(verdict, result) for result in results]


def _paid(task: Task, cost: Cost) -> float:
    """What an update costs by the workload's objective; of one that reaches to the target its energy."""
    objective = task.workload.objective
    if objective in ("latency", "time_to_target"):
        return cost.cycles
    return cost.edp_js if objective == "edp" else cost.energy_j


def _timed(task: Task) -> list[Row]:
    """What needs no training; the inference steps are those that the candidate gives."""
    timed: dict[str, Timed] = {}
    rows: dict[str, Row] = {}
    prices = price_list(task.hardware)
    for candidate in task.candidates:
        try:
            timed[candidate.id] = time_candidate(
                task.hardware, task.workload, candidate, profile=None, prices=prices
            )
        except PcsimError as error:
            rows[candidate.id] = _failed(candidate.id, str(error))
    by_rule: dict[str, Cost] = {}
    for time in timed.values():
        mine, best = time.per_update, by_rule.setdefault(time.candidate.rule, time.per_update)
        if _paid(task, mine) < _paid(task, best):
            by_rule[time.candidate.rule] = mine
    area_mm2 = None if prices.areas is None else math.fsum(area.mm2 for area in prices.areas)
    ratios: Row = dict.fromkeys(("energy_ratio", "cycles_ratio"))
    if len(by_rule) == 2:
        pc, bp = by_rule[challenger_among(by_rule)], by_rule[BP]
        ratios = {
            "energy_ratio": pc.energy_j / bp.energy_j if bp.energy_j else None,
            "cycles_ratio": pc.cycles / bp.cycles if bp.cycles else None,
        }
    for key, time in timed.items():
        rows[key] = {
            **dict.fromkeys(COLUMNS),
            "candidate": key,
            "credit": credit_label(_untrained_reason(task.workload, time.candidate)),
            "inference_steps": time.candidate.steps,
            **_costs(time.per_update),
            "area_mm2": area_mm2,
            **ratios,
            "error": "",
        }
    return [rows[candidate.id] for candidate in task.candidates]


def _untrained_reason(workload: Workload, candidate: Candidate) -> str:
    """Why layers have no credit as far as the number of steps tells; nothing else is known untrained."""
    how, graph = candidate.inference, workload.network.graph
    if how is None:
        return ""
    learning = credited(graph, how.variant, how.order, candidate.steps)
    if len(learning) == len(graph.nodes):
        return ""
    return "steps"


def _row(verdict: Verdict, result: Result) -> Row:
    target, ratios = result.to_target, verdict.ratios
    to_target = None if ratios is None else ratios.energy_to_target
    return {
        "candidate": result.candidate.id,
        "accuracy": mean_or_none(result.accuracies),
        "credit_depth": result.credit_depth,
        "credit": credit_label(reason_of(result.training.profile)),
        "inference_steps": result.inference_steps,
        "updates_to_target": target.updates,
        "time_to_target_s": target.time_s,
        "energy_to_target_j": target.energy_j,
        **_costs(result.per_update),
        "area_mm2": verdict.area_mm2,
        "energy_ratio": None if ratios is None else ratios.energy,
        "cycles_ratio": None if ratios is None else ratios.cycles,
        "energy_to_target_ratio": None if to_target is None else to_target.value,
        "error": "",
    }


def _costs(update: Cost) -> Row:
    return {
        "macs": update.macs,
        "cycles": update.cycles,
        "cycles_cold": update.cycles_cold,
        "latency_s": update.latency_s,
        "energy_j": update.energy_j,
        "static_energy_j": update.static_energy_j,
        "utilization": update.utilization,
    }


def _failed(candidate: str, error: str) -> Row:
    return {**dict.fromkeys(COLUMNS), "candidate": candidate, "error": error}
