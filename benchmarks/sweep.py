"""How well does a sweep use the cores of a machine? A sweep of 200 points on one core and on several.

Efficiency is the time on one core over the product of the time on several and their number: 1 would mean
that no core ever waits. Both include everything from loading to the table; trainings are not in it. The
goal is at least 0.90 on two cores, on a machine that does nothing else.

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

import pcsim

AXES = ("pc.steps=1..10", "tiles.vector.lanes=2..40 +2")
ROUNDS = 3


def processor_s() -> float:
    """Processor time of this process and of all that it has started and seen end."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def sweep(jobs: int) -> tuple[float, float]:
    """Wall time and processor time of the whole sweep in ``jobs`` processes."""
    began, used = time.perf_counter(), processor_s()
    table = pcsim.sweep("tile64", "mlp128", AXES, timing_only=True, jobs=jobs)
    assert len(table) == 400 and not table["energy_j"].isna().any()
    return time.perf_counter() - began, processor_s() - used


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    pcsim.sweep("tile64", "mlp128", ["pc.steps=1,2"], timing_only=True, jobs=1)  # Warms up.
    efficiencies, shares = [], []
    print(f"load before it began: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for _ in range(ROUNDS):
        (one_s, one_used), (several_s, several_used) = sweep(1), sweep(jobs)
        efficiencies.append(one_s / (jobs * several_s))
        shares.append(one_used / several_used)
        print(
            f"1 core {one_s:6.2f} s   {jobs} cores {several_s:6.2f} s   efficiency "
            f"{efficiencies[-1]:.3f}   of processor time {shares[-1]:.3f}"
        )
    print(
        f"median efficiency {statistics.median(efficiencies):.3f}   (goal: at least 0.90 on two cores)"
        f"   of processor time {statistics.median(shares):.3f}"
    )


if __name__ == "__main__":
    main()
