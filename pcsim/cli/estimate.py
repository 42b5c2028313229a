"""About how long will a run take on this machine? A model, told together with its assumptions.

Training: its multiply-accumulates at the rate that one forward pass of this very network reaches
here on one thread, times what a training needs besides products. Where a chip computes in narrower formats than
fp32, the training in fp32 that a run makes to compare is one more. Compiling: so many times what Python takes here for
a text of its own, by what is not compiled yet. Simulation: a fixed time per task. All is processor time, so that
other work on this machine is left out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from pcsim.cli.stages import duration_text as about

if TYPE_CHECKING:
    from pcsim.config import Candidate, Workload

BESIDE_PRODUCTS = 1.3
"""Time of a training over the time of its products alone, in fp32 or fp64."""

BESIDE_ROUNDED, BESIDE_ANALOG, BESIDE_NARROW_SUMS = 2.5, 30.0, 70.0
"""The same where values are rounded, where normal numbers are drawn, and where running sums are rounded."""

TASK_S = 4e-6
"""Simulating one task once, where there are many; of few each takes more, and all no time. An update is simulated
warm and cold."""

COMPILING = {
    "shared": 430.0,
    "backpropagation": 190.0,
    "jacobi": 680.0,
    "audit": 840.0,
    "graph": 350.0,
    "conv2d": 400.0,
}
"""What compiling the kernels of a kind takes, in times of ``reference_s``."""

COMPILING_OTHERS, COMPILING_ROUNDED, COMPILING_SIMULATOR = 750.0, 2.6, 560.0
"""The same for all other kinds; how many times longer where values are rounded in between; and the simulator's."""

STARTING_S = 2.5
"""Importing libraries, reading data and drawing the report."""

SECONDS_MEASURED = 0.1
SAMPLES_MEASURED = 64
"""At least so many samples are multiplied at once to measure the rate: calls of numpy take time of their own."""

MOST_SAMPLED, SAMPLED_LAYERS, SIDE = 1 << 30, 8, 512
"""Multiply-accumulates of a pass that is measured whole; of a larger one how many layers are, and up to which width
and batch."""


def duration(workload: Workload, candidates: Sequence[Candidate], *, tasks: int) -> list[str]:
    """Lines on how long a run of ``candidates`` takes; ``tasks`` is how many tasks they have
    together."""
    from loky import cpu_count

    from pcsim.config import learners
    from pcsim.format_cost import in_fp32
    from pcsim.levers import MOST_TASKS, RESOURCES

    simulated = 2 + (2 * len(RESOURCES) if tasks <= MOST_TASKS else 0)  # Warm, cold, and levers.
    simulating_s = simulated * tasks * TASK_S
    trained = learners([*candidates, *in_fp32(candidates).values()])
    missing = missing_seeds(workload, trained)
    compiling_s = training_kernels_s(workload, missing) + simulator_kernels_s()
    seeds = workload.training.seeds * len(trained)
    simulation = f"simulating {tasks:,} tasks {about(simulating_s)}"
    always_s = STARTING_S + simulating_s
    if not missing and not compiling_s:
        stored = "1 training is" if seeds == 1 else f"all {seeds} trainings are"
        return [f"a run takes {about(always_s)}: {stored} stored already, {simulation}"]
    threads = max(1, min(cpu_count(), len(missing)))
    training_s = training_time_s(workload, missing) / threads
    lines = [f"a run takes {about(always_s + training_s + compiling_s)}, by estimate:"]
    if missing:
        of_seed = {each.id: macs_of(workload, each) for each in learners(missing)}
        macs = sum(of_seed[candidate.id] for candidate in missing)
        lines.append(
            f"  training {about(training_s)}: {len(missing)} of {seeds} are not stored, {macs:.3g} MACs "
            f"on {threads} thread{'' if threads == 1 else 's'}"
        )
    if compiling_s:
        lines.append(f"  compiling {about(compiling_s)}, the first time only")
    return [*lines, f"  {simulation}", f"  starting and drawing {about(STARTING_S)}"]


def training_time_s(workload: Workload, missing: Sequence[Candidate]) -> float:
    """Seconds that training ``missing`` takes on one thread, one after the other."""
    from pcsim.config import learners

    rates: dict[str, float] = {}
    of_seed = {each.id: macs_of(workload, each) for each in learners(missing)}
    total_s = 0.0
    for candidate in missing:
        dtype = candidate.numerics.formats.carrier_for(workload.longest_sum)
        if dtype not in rates:
            rates[dtype] = macs_per_s(workload, candidate)
        total_s += beside_products(candidate) * of_seed[candidate.id] / rates[dtype]
    return total_s


def missing_seeds(workload: Workload, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidate of every seed that is still to be trained; of those that learn alike the first."""
    from pcsim.config import learners
    from pcsim.engine.store import load_seed, seed_keys

    return [
        candidate
        for candidate in learners(candidates)
        for key in seed_keys(workload, candidate, range(workload.training.seeds))
        if load_seed(key) is None
    ]


def beside_products(candidate: Candidate) -> float:
    """Time of its training over the time of its products alone."""
    numerics = candidate.numerics
    if numerics.plain:
        return BESIDE_PRODUCTS
    if numerics.analog:
        return BESIDE_ANALOG
    exact = numerics.formats.accumulate.name in ("fp32", "fp64", "int32")
    return BESIDE_ROUNDED if exact else BESIDE_NARROW_SUMS


def training_kernels_s(workload: Workload, candidates: Sequence[Candidate]) -> float:
    """Seconds of compiling before ``candidates`` can be trained: once per machine and version of pcsim."""
    from pcsim.engine.kinds import compiled, kinds_of, operators_of

    kinds = {
        kind
        for candidate in candidates
        for kind in kinds_of(
            candidate,
            candidate.numerics.formats.carrier_for(workload.longest_sum),
            operators_of(workload, candidate),
        )
    }
    times = sum(
        COMPILING.get(kind.part, COMPILING_OTHERS)
        * (1.0 if kind.rounding == "plain" else COMPILING_ROUNDED)
        for kind in kinds
        if not compiled(kind)
    )
    return times * reference_s() if times else 0.0


def simulator_kernels_s() -> float:
    """The same for the simulator."""
    from pcsim.compiled.known import known

    kept = known("simulator", "machine/core")
    return 0.0 if kept else COMPILING_SIMULATOR * reference_s()


@cache
def reference_s() -> float:
    """Processor time that Python takes here to compile a text of five hundred lines: the best of five."""
    text = "x = [f(a, b + 1) for a in c if a > d]\n" * 500
    spent = []
    for _ in range(5):
        began = time.process_time()
        compile(text, "a text", "exec")
        spent.append(time.process_time() - began)
    return min(spent)


def macs_of(workload: Workload, candidate: Candidate) -> int:
    """Multiply-accumulates of training one seed: its updates, and its evaluations forward."""
    from pcsim.program import program_of

    program = program_of(workload, candidate, steps=candidate.steps)
    data, training = workload.data, workload.training
    updates = training.epochs * (data.train // training.batch)
    evaluations = 1 + updates // training.evaluate_every
    forward = workload.network.graph.macs
    evaluated = evaluations * data.validation + data.test
    return updates * sum(program.macs().values()) + evaluated * forward


def macs_per_s(workload: Workload, candidate: Candidate) -> float:
    """Rate of the products of a forward pass, batch by batch, hot, on one thread."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    dtype = np.dtype(candidate.numerics.formats.carrier_for(workload.longest_sum))
    products = [
        (
            np.ones((max(1, SAMPLES_MEASURED // batch), batch, n_in), dtype),
            np.ones((n_in, n_out), dtype),
        )
        for batch, n_in, n_out in sampled(workload)
    ]
    per_pass = sum(left.size * right.shape[1] for left, right in products)
    passes, spent_s = 0, 0.0
    with threadpool_limits(1, user_api="blas"):
        for left, right in products:  # Warms up.
            left @ right
        began = time.process_time()
        while spent_s < SECONDS_MEASURED:
            for left, right in products:
                left @ right
            passes += 1
            spent_s = time.process_time() - began
    return passes * per_pass / spent_s


def sampled(workload: Workload) -> list[tuple[int, int, int]]:
    """Sizes of the products of one forward pass, as far as they take a moment and little memory: of a large network
    parts of some layers, which reach the same rate."""
    batch, layers = workload.training.batch, list(pairwise(workload.network.widths))
    weights = sum(n_in * n_out for n_in, n_out in layers)
    if max(batch, 1) * weights <= MOST_SAMPLED and weights <= MOST_SAMPLED // 64:
        return [(batch, n_in, n_out) for n_in, n_out in layers]
    step = -(-len(layers) // SAMPLED_LAYERS)
    return [(min(batch, SIDE), min(n_in, SIDE), min(n_out, SIDE)) for n_in, n_out in layers[::step]]
