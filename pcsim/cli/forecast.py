"""About how long will a sweep take? Some of its points are timed, and trainings estimated as for a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pcsim.cli.estimate import about, beside_products, macs_of, macs_per_s, training_kernels_s

if TYPE_CHECKING:
    from pcsim.sweeps import Point, SweepPlan

TIMED_POINTS = 5
"""Evenly spaced over the sweep, its first and its last among them."""


def forecast(
    plan: SweepPlan, points: Sequence[Point], output: Path | None, *, jobs: int
) -> list[str]:
    """Lines on how many points there are, what is stored of them, and about how long the rest takes.

    Nothing is written.
    """
    from pcsim.sweeps import default_folder
    from pcsim.sweeps.plan import describe
    from pcsim.sweeps.store import Store
    from pcsim.sweeps.trainings import learners_of, missing_seeds

    store = Store(output or default_folder(plan, points))
    different = {point.key: point for point in points}
    missing = [point for key, point in different.items() if store.load(key) is None]
    lines = [
        f"{_many(len(points), 'point')}, {len(different) - len(missing):,} stored in {store.folder}"
    ]
    lines += [f"  {line}" for line in describe(plan.groups)]
    if not missing:
        return [*lines, "nothing is left to do but the table and the report"]
    per_point_s = _timed(missing)
    timing_s = per_point_s * len(missing) / min(jobs, len(missing))
    lines.append(
        f"timing {about(timing_s)}: {_many(len(missing), 'point')} of {1e3 * per_point_s:.2g} ms "
        f"on {_many(jobs, 'process', 'es')}"
    )
    total_s = timing_s
    seeds = missing_seeds(learners_of(missing).values(), first_seed=plan.seed)
    if seeds:
        from loky import cpu_count

        learner = next(iter(seeds.values())).learner
        rate = macs_per_s(learner.workload, learner.candidate)
        macs = sum(macs_of(*seed.learner) for seed in seeds.values())
        threads = min(cpu_count(), len(seeds))
        work = sum(
            beside_products(seed.learner.candidate) * macs_of(*seed.learner)
            for seed in seeds.values()
        )
        training_s = work / rate / threads
        learners = [seed.learner for seed in seeds.values()]
        compiling_s = training_kernels_s(learner.workload, [each.candidate for each in learners])
        total_s += training_s + compiling_s
        lines.append(
            f"training {about(training_s)}: {_many(len(seeds), 'seed')}, {macs:.3g} MACs at "
            f"{rate / 1e9:.3g} G/s on {_many(threads, 'thread')}"
        )
        if compiling_s:
            lines.append(f"compiling {about(compiling_s)}, the first time only")
    elif plan.timing_only:
        lines.append("training nothing: timing only")
    return [*lines, f"all of it {about(total_s)}, by estimate"]


def _timed(points: Sequence[Point]) -> float:
    """Mean seconds of a point, timed without training: with the inference steps of the file."""
    from pcsim.sweeps.evaluate import Task, evaluate

    last = len(points) - 1
    chosen = sorted({round(number * last / (TIMED_POINTS - 1)) for number in range(TIMED_POINTS)})
    tasks = [
        Task(point.hardware, point.workload, point.candidates, None, 0)
        for point in (points[index] for index in chosen)
    ]
    evaluate(tasks[0])  # Warms up.
    began = time.perf_counter()
    for task in tasks:
        evaluate(task)
    return (time.perf_counter() - began) / len(tasks)


def _many(count: int, what: str, more: str = "s") -> str:
    return f"{count:,} {what}{'' if count == 1 else more}"
