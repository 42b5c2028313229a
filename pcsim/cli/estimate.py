"""About how long will a run take on this machine? A model, told together with its assumptions.

Training: its multiply-accumulates at the rate that one forward pass of this very network reaches
here on one thread, times what a training needs besides products. Simulation: a fixed time per task.
Left out: other work on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pcsim.cli.stages import duration_text as about

if TYPE_CHECKING:
    from pcsim.config import Candidate, Workload

BESIDE_PRODUCTS = 1.5
"""Time of a training over the time of its products alone, in fp32 or fp64."""

BESIDE_ROUNDED, BESIDE_ANALOG, BESIDE_NARROW_SUMS = 2.5, 30.0, 70.0
"""The same where values are rounded, where normal numbers are drawn, and where running sums are rounded."""

TASK_S = 4e-6
"""Simulating one task once, where there are many; of few each takes more, and all no time. An update is simulated
warm and cold."""

COMPILING = {"shared": 255.0, "backpropagation": 130.0, "jacobi": 415.0}
"""What compiling the kernels of a kind takes, in times of ``reference_s``."""

COMPILING_OTHERS, COMPILING_ROUNDED, COMPILING_SIMULATOR = 520.0, 2.8, 350.0
"""The same for all other kinds; how many times longer where values are rounded in between; and the simulator's."""

STARTING_S = 2.0
"""Importing libraries, reading data and drawing the report."""

SECONDS_MEASURED = 0.1
MOST_SAMPLED, SAMPLED_LAYERS, SIDE = 1 << 30, 8, 512
"""Multiply-accumulates of a pass that is measured whole; of a larger one how many layers are, and up to which width
and batch."""


def duration(workload: Workload, candidates: Sequence[Candidate], *, tasks: int) -> list[str]:
    """Lines on how long a run of ``candidates`` takes; ``tasks`` is how many tasks they have
    together."""
    from pcsim.config import learners

    simulating_s = 2 * tasks * TASK_S
    always_s = STARTING_S + simulating_s
    missing = missing_seeds(workload, candidates)
    seeds = workload.training.seeds * len(learners(candidates))
    simulation = f"simulating {tasks:,} tasks {about(simulating_s)}"
    if not missing and not simulator_kernels_s():
        stored = "1 training is" if seeds == 1 else f"all {seeds} trainings are"
        return [f"a run takes {about(always_s)}: {stored} stored already, {simulation}"]
    rate = macs_per_s(workload, candidates[0])
    of_seed = {each.id: macs_of(workload, each) for each in learners(missing)}
    macs = sum(of_seed[candidate.id] for candidate in missing)
    from loky import cpu_count

    threads = min(cpu_count(), len(missing))
    beside = beside_products(candidates[0])
    training_s = beside * macs / rate / threads
    compiling_s = training_kernels_s(workload, missing) + simulator_kernels_s()
    lines = [f"a run takes {about(always_s + training_s + compiling_s)}, by estimate:"]
    lines.append(
        f"  training {about(training_s)}: {len(missing)} of {seeds} are not stored, {macs:.3g} MACs at "
        f"{rate / 1e9:.3g} G/s on {threads} thread{'' if threads == 1 else 's'}, x {beside:g}"
    )
    if compiling_s:
        lines.append(f"  compiling {about(compiling_s)}, the first time only")
    return [*lines, f"  {simulation}", f"  starting and drawing {about(STARTING_S)}"]


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
    from pcsim.engine.compiled import compiled, kinds_of

    kinds = {
        kind
        for candidate in candidates
        for kind in kinds_of(
            candidate, candidate.numerics.formats.carrier_for(workload.longest_sum)
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
    import pcsim
    from pcsim.engine.cache import kernel_folder

    source = Path(pcsim.__file__).parent / "machine" / "core"
    kept = any(kernel_folder(source).rglob("life.course-*"))
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
    forward = sum(n_in * n_out for n_in, n_out in pairwise(workload.network.layers))
    evaluated = evaluations * data.validation + data.test
    return updates * sum(program.macs().values()) + evaluated * forward


def macs_per_s(workload: Workload, candidate: Candidate) -> float:
    """Rate of the products of one forward pass of one batch, hot, on one thread."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    dtype = np.dtype(candidate.numerics.formats.carrier_for(workload.longest_sum))
    products = [
        (np.ones((batch, n_in), dtype), np.ones((n_in, n_out), dtype))
        for batch, n_in, n_out in sampled(workload)
    ]
    per_pass = sum(left.size * right.shape[1] for left, right in products)
    passes, spent_s = 0, 0.0
    with threadpool_limits(1, user_api="blas"):
        for left, right in products:  # Warms up.
            left @ right
        began = time.perf_counter()
        while spent_s < SECONDS_MEASURED:
            for left, right in products:
                left @ right
            passes += 1
            spent_s = time.perf_counter() - began
    return passes * per_pass / spent_s


def sampled(workload: Workload) -> list[tuple[int, int, int]]:
    """Sizes of the products of one forward pass, as far as they take a moment and little memory: of a large network
    parts of some layers, which reach the same rate."""
    batch, layers = workload.training.batch, list(pairwise(workload.network.layers))
    weights = sum(n_in * n_out for n_in, n_out in layers)
    if max(batch, 1) * weights <= MOST_SAMPLED and weights <= MOST_SAMPLED // 64:
        return [(batch, n_in, n_out) for n_in, n_out in layers]
    step = -(-len(layers) // SAMPLED_LAYERS)
    return [(min(batch, SIDE), min(n_in, SIDE), min(n_out, SIDE)) for n_in, n_out in layers[::step]]
