"""How fast is a predictive coding update, against its own matrix products and against other libraries?

Times one update (batch 64, relu, Adam, float32, one thread) of A, 784-128-128-128-10 with 20 inference steps;
of B, 100 residual layers of width 128 in the depth-muP parameterisation with 100 steps at the published rate; and
of C, which is B at a rate 38 times as large. Beside it, round by
round in the same process: the sum of its own products, each hot and alone, and the same update in numpy, torch
and JAX. Before anything is timed, all contestants must have made the same update.

    python benchmarks/engine.py [--rounds N] [--nets ABC] [--peers numpy,torch,jax]

Peers need the extra ``bench``; ``--peers ""`` does without.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def pin() -> None:
    """One core for the whole process, before any library counts cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD}".strip()


def peer(name: str) -> Callable:
    """The contestant of that name; its library is imported here, once it is asked for."""
    if name == "numpy":
        from peers.with_numpy import Numpy

        return Numpy
    if name == "torch":
        import torch
        from peers.with_torch import Torch

        torch.set_num_threads(1)
        return Torch
    from peers.with_jax import Jax

    return Jax


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure(net: str, peers: list[str], rounds: int) -> None:
    """Check, then time, then print one table."""
    from peers.job import JOBS
    from peers.products import Products, Sgemm
    from peers.same import check_same, comparable
    from peers.with_pcsim import Pcsim

    job = JOBS[net]
    products, sgemm = Products(job), Sgemm()
    makers = {"pcsim": Pcsim, **{name: peer(name) for name in peers}}
    ours = None
    for name, make in makers.items():
        contestant = make(comparable(job))
        contestant.run()
        ours = ours or contestant
        layers = check_same(job, name, ours, contestant)
        print(f"{net}: {name} makes the same update; {layers} layers have gradients above noise")
    contestants = {name: make(job) for name, make in makers.items()}
    calls: dict[str, Callable[[], object]] = {
        "its products": products.run,
        **{name: contestant.run for name, contestant in contestants.items()},
    }
    for call in (sgemm.run, *calls.values()):
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    gflops = []
    for _ in range(rounds):
        gflops.append(sgemm.flop / seconds(sgemm.run) / 1e9)
        for name, call in calls.items():
            times[name].append(seconds(call) / job.updates)
    print(
        f"\n{net}: {job.network.layers} layers, {job.steps} steps, {products.flop / 1e6:,.1f} MFLOP; "
        f"{rounds} rounds; sgemm 1024^3 {statistics.median(gflops):.0f} GFLOP/s"
    )
    print(f"{'':14}{'median ms':>11}{'fastest ms':>12}{'to pcsim':>10}{'to products':>13}")
    for name, column in times.items():
        ratios = [
            statistics.median(a / b for a, b in zip(column, times[other], strict=True))
            for other in ("pcsim", "its products")
        ]
        print(
            f"{name:14}{1e3 * statistics.median(column):11.3f}{1e3 * min(column):12.3f}"
            f"{ratios[0]:10.2f}{ratios[1]:13.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="The engine's speed against its peers.")
    parser.add_argument(
        "--rounds", type=int, help="of A; the deep ones have a quarter of them", default=40
    )
    parser.add_argument("--nets", default="ABC")
    parser.add_argument("--peers", default="numpy,torch,jax")
    asked = parser.parse_args()
    pin()
    import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that numba calls
    from threadpoolctl import threadpool_limits

    peers = [name for name in asked.peers.split(",") if name]
    for name in peers:
        peer(name)  # loads its BLAS, to be limited below
    with threadpool_limits(1):
        for net in asked.nets:
            measure(net, peers, asked.rounds if net == "A" else max(3, asked.rounds // 4))


if __name__ == "__main__":
    main()
