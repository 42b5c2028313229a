"""How well does a sweep use the cores of a machine? Two sweeps of 200 points on one core and on several.

One sweep is of 200 chips, with the workload's own steps; the other of 20 chips and 10 numbers of steps, whose
points are shorter. Efficiency is the time on one core over the product of the time on several and their number: 1
would mean that no core ever waits. Both include everything from loading to the table; trainings are not in it. The
first sweep of a process starts others, which import all that they need; they stay for a minute, so a second sweep
finds them there. The goal is at least 0.90 on two cores, on a machine that does nothing else.

Other work on the machine takes cores away and lowers it. Beside it stands therefore the processor time of
all processes on one core over that on several: what starting processes and sending points costs, whoever
else works. Efficiency cannot be above it, and is below it by the time in which cores have no work.

    python benchmarks/sweep.py [JOBS]
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time

from loky import get_reusable_executor

import pcsim

LANES = "tiles.vector.lanes=2..40 +2"
SWEEPS = {
    "200 chips": ("noc.link=8..80 +8 B/cycle", LANES),
    "20 chips x 10 numbers of steps": ("pc.steps=1..10", LANES),
}
ROUNDS = 3


def processor_s() -> float:
    """Processor time of this process and of all that it has started and seen end."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def sweep(axes: tuple[str, ...], jobs: int) -> float:
    """Wall time of the whole sweep in ``jobs`` processes."""
    began = time.perf_counter()
    table = pcsim.sweep("tile64", "mlp128", axes, timing_only=True, jobs=jobs)
    took = time.perf_counter() - began
    assert len(table) == 400 and not table["energy_j"].isna().any()
    return took


def end_processes() -> None:
    get_reusable_executor(reuse=True).shutdown(wait=True)


def alone(axes: tuple[str, ...], jobs: int) -> tuple[float, float]:
    """Wall time of a sweep that starts its processes, and processor time until they have ended."""
    used = processor_s()
    took = sweep(axes, jobs)
    end_processes()
    return took, processor_s() - used


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    pcsim.sweep("tile64", "mlp128", ["pc.steps=1,2"], timing_only=True, jobs=1)  # Warms up.
    print(f"load before it began: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, axes in SWEEPS.items():
        print(f"\n{name}: seconds on 1 core, on {jobs} that are started, on {jobs} that are there")
        found: dict[str, list[float]] = {"started": [], "there": [], "of processor time": []}
        for _ in range(ROUNDS):
            one_s, one_used = alone(axes, 1)
            started_s, started_used = alone(axes, jobs)
            pcsim.sweep("tile64", "mlp128", axes[1:], timing_only=True, jobs=jobs)  # Starts them.
            there_s = sweep(axes, jobs)
            end_processes()
            found["started"].append(one_s / (jobs * started_s))
            found["there"].append(one_s / (jobs * there_s))
            found["of processor time"].append(one_used / started_used)
            print(f"{one_s:6.2f} {started_s:6.2f} {there_s:6.2f}")
        medians = {kind: f"{statistics.median(ratios):.3f}" for kind, ratios in found.items()}
        print(
            f"efficiency {medians['started']}   (goal: at least 0.90 on two cores), "
            f"{medians['there']} with processes that are there; "
            f"of processor time {medians['of processor time']}"
        )


if __name__ == "__main__":
    main()
