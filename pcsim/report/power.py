"""How much power does each component take over an update?

An operation's energy is spread evenly over the cycles in which it ran (a transfer's over its sending);
leakage and standby are constant, also of blocks that are cut from their supply at times. The average over
any bin is exact in that sense, and everything together is the energy of the update.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from pcsim.machine import Recording
from pcsim.technology.bill import STATIC
from pcsim.verdict import Result

Numbers = NDArray[np.float64]
BINS = 2000


def over_time(
    result: Result, recording: Recording, *, bins: int = BINS
) -> tuple[NDArray[np.int64], dict[str, Numbers]]:
    """The edges of up to ``bins`` equal bins in cycles (the last may be shorter), and watts in each by
    component. The update must take time."""
    makespan = recording.makespan_cycles
    width = max(1, -(-makespan // bins))
    edges = np.append(np.arange(0, makespan, width), makespan)
    clock_hz = result.per_update.cycles / result.per_update.latency_s
    seconds = np.diff(edges) / clock_hz
    watts: dict[str, Numbers] = {}
    for component, (starts, ends, joules) in _spent(result, recording).items():
        # Where nothing runs, differences of large sums can fall a rounding error below zero.
        spent = np.maximum(np.diff(_until(edges, starts, ends, joules)), 0.0)
        watts[component] = spent / seconds
    for line in result.bill.lines:
        if line.stage == STATIC:
            constant = line.energy_j / (makespan / clock_hz)
            watts[line.component] = watts.get(line.component, np.zeros(len(seconds))) + constant
    return edges, watts


def _spent(result: Result, recording: Recording) -> dict[str, Numbers]:
    """Per component, in three rows: start, end and joules of every operation that spent energy there."""
    unit_j = {
        (line.component, line.action): line.unit_j
        for line in result.bill.lines
        if line.stage != STATIC
    }
    by_task = [_by_component(actions, unit_j) for actions in recording.lowered.actions]
    varying = {
        task: _by_component(actions, unit_j)
        for task, actions in recording.lowered.all_actions.items()
    }
    found: dict[str, list[tuple[int, int, float]]] = {}
    for span in recording.spans:
        if recording.flits(span) and span not in recording.sent:
            continue
        share, parts = 1.0, by_task[span.task]
        if span.task in varying:
            # What is sent in sizes of their own costs in proportion to them.
            sizes = recording.tasks.varying[span.task]
            size = sizes[span.instance - int(recording.tasks.first[span.task])]
            share = size / sum(sizes) if any(sizes) else 1 / len(sizes)
            parts = varying[span.task]
        # What takes no time is paid in the cycle in which it happens.
        end = max(span.end, span.start + 1)
        for component, joules in parts.items():
            found.setdefault(component, []).append((span.start, end, share * joules))
    return {component: np.array(rows, dtype=float).T for component, rows in found.items()}


def _by_component(
    actions: Iterable[tuple[str, str, int]], unit_j: Mapping[tuple[str, str], float]
) -> dict[str, float]:
    """Joules of one run of a task. What was not counted at all has no line, and costs nothing."""
    sums: dict[str, float] = {}
    for component, action, amount in actions:
        if amount:
            joules = amount * unit_j[component, action]
            sums[component] = sums.get(component, 0.0) + joules
    return sums


def _until(edges: NDArray[np.int64], starts: Numbers, ends: Numbers, joules: Numbers) -> Numbers:
    """Joules spent before each edge, what reaches over the last one included in it."""
    times = np.concatenate((starts, ends))
    slopes = np.concatenate((joules / (ends - starts), -joules / (ends - starts)))
    moments, place = np.unique(times, return_inverse=True)
    slope = np.cumsum(np.bincount(place, weights=slopes))
    spent = np.concatenate(([0.0], np.cumsum(slope[:-1] * np.diff(moments))))
    until = np.interp(edges, moments, spent)
    until[-1] = joules.sum()
    return until
