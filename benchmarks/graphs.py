"""How fast is an update of a network that is a graph, against torch and JAX on the same core?

Times one update (batch 64, 8 inference steps, Adam, float32, one thread) of three networks on images of 28 x 28: two
convolutions with pools, three residual blocks of 16 channels, and a vision transformer of two blocks. The peer is that
of ``accuracy.py``: torch's own operators and autograd; and JAX with a whole update in one compiled function. All must
have made the same update before anything is timed; rounds alternate between them.

    python benchmarks/graphs.py [--rounds N] [--nets conv,residual,vit]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

BATCH, STEPS, RATE, LEARNING = 64, 8, 0.1, 1e-3
CONV: dict[str, Any] = {"filters": 16, "kernel": 3, "padding": 1}
MLP = ["layer_norm", ["dense", {"units": 128}], "gelu", ["dense", {"units": 64}]]
ATTEND = ["layer_norm", ["attention", {"heads": 4}]]


def node(name: str, *branches: tuple[str, list[Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "branches": [{"from": source, "map": steps} for source, steps in branches],
    }


NETS = {
    "conv": [
        node("z1", ("x", [["conv2d", CONV], "tanh", ["max_pool", {"kernel": 2}]])),
        node(
            "z2", ("z1", [["conv2d", CONV | {"filters": 32}], "tanh", ["max_pool", {"kernel": 2}]])
        ),
        node("y", ("z2", ["flatten", ["dense", {"units": 10}]])),
    ],
    "residual": [
        node("z1", ("x", [["conv2d", CONV]])),
        *(
            node(f"z{i}", (f"z{i - 1}", ["relu", ["conv2d", CONV]]), (f"z{i - 1}", []))
            for i in (2, 3, 4)
        ),
        node("y", ("z4", ["relu", "global_avg_pool", ["dense", {"units": 10}]])),
    ],
    "vit": [
        node("z0", ("x", [["patches", {"size": 7}], ["dense", {"units": 64}], "position"])),
        node("a1", ("z0", ATTEND), ("z0", [])),
        node("m1", ("a1", MLP), ("a1", [])),
        node("a2", ("m1", ATTEND), ("m1", [])),
        node("m2", ("a2", MLP), ("a2", [])),
        node("y", ("m2", ["layer_norm", "mean_tokens", ["dense", {"units": 10}]])),
    ],
}


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def step_of_torch(graph: Any, rule: str, x: Any, y: Any, weights: Any) -> Callable[[], object]:
    """An update of ``weights`` by torch."""
    import torch
    from accuracy import energy, forward, loss_of, relaxed

    optimiser = torch.optim.Adam(weights.values(), lr=LEARNING)
    inputs, targets = torch.tensor(x).reshape(-1, *graph.input), torch.tensor(y)
    workload: Any = SimpleNamespace(
        pc=SimpleNamespace(steps=STEPS, rate=RATE), training=SimpleNamespace(loss="mse")
    )

    def step() -> None:
        optimiser.zero_grad()
        if rule == "bp":
            values = forward(graph, inputs, weights)
            total = loss_of("mse", values[graph.output.number], targets)
        else:
            values = relaxed(graph, workload, inputs, targets, weights)
            total = energy(graph, "mse", values, targets, weights)
        (total / BATCH).backward()
        optimiser.step()

    return step


def measure(name: str, rounds: int) -> None:
    """Check, then time, then print the lines of one network."""
    import numpy as np
    import torch
    from graph_in_jax import step_of_jax

    from pcsim.config import OptimiserSettings
    from pcsim.engine.graph import GraphNetwork, initial_weights
    from pcsim.engine.graph.learner import GraphLearner
    from pcsim.engine.relaxation import Relaxation
    from pcsim.engine.rules import BackwardPass, Relaxing
    from pcsim.engine.setup import TrainingSetup
    from pcsim.network import graph_of

    graph = graph_of([1, 28, 28], NETS[name])
    random = np.random.default_rng(0)
    x = random.standard_normal((BATCH, 784)).astype("float32")
    y = np.eye(10, dtype="float32")[random.integers(0, 10, BATCH)]
    rows = np.arange(BATCH)[None]
    rules = {"pc": Relaxing(Relaxation(STEPS, RATE)), "bp": BackwardPass()}
    for rule in rules:
        weights = initial_weights(graph, 0, "float32")
        learner = GraphLearner(
            GraphNetwork(graph, "mse", "float32"),
            weights,
            rules[rule],
            TrainingSetup(
                x=x,
                y=y,
                batch=BATCH,
                optimiser=OptimiserSettings(kind="adam", rate=LEARNING),
                updates_total=1,
            ),
        )
        theirs = {key: torch.tensor(array, requires_grad=True) for key, array in weights.items()}
        of_torch = step_of_torch(graph, rule, x, y, theirs)
        of_jax = step_of_jax(graph, rule, x, y, weights, steps=STEPS, rate=RATE, learning=LEARNING)

        def of_pcsim(learner: GraphLearner = learner) -> None:
            learner.updates(rows, done=learner.done)

        of_pcsim(), of_torch()
        in_jax = of_jax()
        for key, array in learner.weights().items():
            # Adam's first step is the sign of a gradient, which rounding decides where that is all there is.
            for other in (theirs[key].detach().numpy(), np.asarray(in_jax[key])):
                same = np.isclose(array, other, rtol=1e-3, atol=1e-5)
                if not key.endswith("k_bias") and same.mean() < 0.99:
                    raise SystemExit(f"{name}, {rule}: {key} was not updated alike")
        contestants = {"pcsim": of_pcsim, "torch": of_torch, "JAX": of_jax}
        for call in contestants.values():
            call()
        times = [[seconds(call) for call in contestants.values()] for _ in range(rounds)]
        said = [f"{name:9} {rule}"]
        for at, contestant in enumerate(contestants):
            middle = statistics.median(row[at] for row in times) * 1e3
            ratio = statistics.median(row[at] / row[0] for row in times)
            said.append(f"{contestant} {middle:7.2f} ms ({ratio:4.2f})")
        print("  ".join(said), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--nets", default=",".join(NETS))
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # Before any library counts cores.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that numba calls, to be limited below
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    with threadpool_limits(1, user_api="blas"):
        for name in options.nets.split(","):
            measure(name, options.rounds)


if __name__ == "__main__":
    main()
