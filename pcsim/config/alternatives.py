"""Which schedules are tried where the user asks for the best?

Both rules are offered the same numbers of micro-batches and of tiles per layer. Backpropagation has its
pipelines besides; predictive coding its orders, but only where the objective reaches to the target:
an order learns at another pace, so that per update it could only be compared at unlike progress. What
does not fit on the chip drops out later, by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from pcsim.config.rules import Backpropagation, BpSchedule, Order, PredictiveCoding
from pcsim.config.workload import Workload
from pcsim.network import RULES, credited

MICRO_BATCHES = (2, 4, 8)
SPREADS = (1, 2, 4)
WINDOWS = (2, 4, 8, 16, 32)


def pc_alternatives(workload: Workload, *, streamed: bool) -> Iterator[PredictiveCoding]:
    """The settings of predictive coding to be tried; the workload's own if it names a schedule.

    ``streamed``: weights come from DRAM or the global buffer, so that skewed visits are worth trying.
    """
    pc = workload.pc
    assert pc is not None
    reads_all = RULES[pc.variant].reads_all
    if pc.schedule != "best":
        yield pc
        return
    orders = (pc.order,)
    if reads_all and workload.objective.endswith("to_target"):
        orders = (pc.order, *(order for order in get_args(Order) if order != pc.order))
    together = not reads_all or pc.tolerance > 0 or pc.threshold > 0
    parts = (1,) if together else (1, *_dividing(workload))
    graph = workload.network.graph
    for order in orders:
        if pc.full_credit and len(credited(graph, pc.variant, order, pc.steps)) < len(graph.nodes):
            continue
        if streamed and reads_all and order == "jacobi":
            for window in WINDOWS:
                changed = {"schedule": "skewed", "order": order, "window": window}
                yield pc.model_copy(update=changed)
        for micro_batches in parts:
            for spread in SPREADS:
                yield pc.model_copy(
                    update={
                        "schedule": "free",
                        "order": order,
                        "micro_batches": micro_batches,
                        "spread": spread,
                    }
                )


def bp_alternatives(workload: Workload) -> Iterator[Backpropagation]:
    """The settings of backpropagation to be tried; the workload's own if it names a schedule."""
    bp = workload.bp
    if bp.schedule != "best":
        yield bp
        return
    for schedule in get_args(BpSchedule):
        if schedule == "best":
            continue
        for micro_batches in (1,) if schedule == "sequential" else _dividing(workload):
            for spread in SPREADS:
                yield bp.model_copy(
                    update={
                        "schedule": schedule,
                        "micro_batches": micro_batches,
                        "spread": spread,
                    }
                )


def _dividing(workload: Workload) -> tuple[int, ...]:
    batch = workload.training.batch
    return tuple(parts for parts in MICRO_BATCHES if batch % parts == 0)
