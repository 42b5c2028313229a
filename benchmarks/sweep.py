"""How well does a sweep use the cores of a machine? A sweep of 200 points on one core and on all of them.

Efficiency is the time on one core over the product of the time on several and their number: 1 would mean
that no core ever waits. Both include everything from loading to the table; trainings are not in it. Other
work on the machine lowers it. The goal is at least 0.90 on two cores.

    python benchmarks/sweep.py [JOBS]
"""

from __future__ import annotations

import statistics
import sys
import time

import pcsim

AXES = ("pc.steps=1..10", "tiles.vector.lanes=2..40 +2")
ROUNDS = 3


def seconds(jobs: int) -> float:
    """Wall time of the whole sweep in ``jobs`` processes."""
    began = time.perf_counter()
    table = pcsim.sweep("tile64", "mlp128", AXES, timing_only=True, jobs=jobs)
    assert len(table) == 400 and not table["energy_j"].isna().any()
    return time.perf_counter() - began


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    pcsim.sweep("tile64", "mlp128", ["pc.steps=1,2"], timing_only=True, jobs=1)  # Warms up.
    ratios = []
    for _ in range(ROUNDS):
        one, several = seconds(1), seconds(jobs)
        ratios.append(one / (jobs * several))
        print(f"1 core {one:6.2f} s   {jobs} cores {several:6.2f} s   efficiency {ratios[-1]:.3f}")
    print(f"median efficiency {statistics.median(ratios):.3f}   (goal: at least 0.90 on two cores)")


if __name__ == "__main__":
    main()
