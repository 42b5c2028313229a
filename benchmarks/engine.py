"""How much of a predictive coding update is more than its matrix products?

Prints, for two networks, the milliseconds of one update (batch 64, relu, Adam, float32, one thread)
beside the summed time of its own products, each timed hot and alone in the same run:
A, 784-128-128-128-10 with 20 inference steps; B, 100 residual layers of width 128 in the depth-muP
parameterisation with 100 steps.

    python benchmarks/engine.py [A] [B]
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that numba calls
from threadpoolctl import threadpool_limits

from pcsim.engine.kernels.layout import block_columns
from pcsim.engine.network import Network, batch_rows, initial_weights
from pcsim.engine.optimiser import WeightOptimiser
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.rules import Learner, PredictiveCoding

SHALLOW = Network((784, 128, 128, 128, 10), "relu", "mse", "float32")
DEEP = Network(
    (784, *(128,) * 99, 10), "relu", "mse", "float32", parameterisation="mupc", skips=True
)
JOBS = {"A": (SHALLOW, 20, 0.1, 50), "B": (DEEP, 100, 0.0078, 2)}
"""Network, inference steps, their rate, and updates timed at a time."""
BATCH, ROUNDS = 64, 12

# Rows, inner size, columns, and whether the first and the second factor are transposed.
Product = tuple[int, int, int, bool, bool]


def products(network: Network, *, batch: int, steps: int) -> Counter[Product]:
    """Every product of one update, and how often: no product of an idle layer or of a fixed prediction."""
    widths, last = network.widths, network.layers
    blocks = [
        min(size, batch - begin)
        for size in [block_columns(network, batch)]
        for begin in range(0, batch, size)
    ]
    counts: Counter[Product] = Counter([(widths[1], widths[0], batch, False, True)])
    for layer in range(1, last + 1):
        counts[widths[layer], batch, widths[layer - 1], False, layer > 1] += 1
    for columns in blocks:
        for layer in range(2, last + 1):
            moves = max(0, steps - (last - layer))  # of state layer - 1
            counts[widths[layer], widths[layer - 1], columns, False, False] += 1 + moves
            counts[widths[layer - 1], widths[layer], columns, True, False] += moves
    return counts


@numba.njit
def repeat(a: np.ndarray, b: np.ndarray, out: np.ndarray, times: int) -> None:
    for _ in range(times):
        np.dot(a, b, out)


def best_s(call: Callable[[], object]) -> float:
    """The fastest of several calls, after one to warm up."""
    call()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def product_s(product: Product, *, times: int = 100) -> float:
    rows, inner, columns, first, second = product
    random = np.random.default_rng(0)
    a = random.standard_normal((inner, rows) if first else (rows, inner)).astype(np.float32)
    b = random.standard_normal((columns, inner) if second else (inner, columns)).astype(a.dtype)
    out = np.empty((rows, columns), a.dtype)
    return best_s(lambda: repeat(a.T if first else a, b.T if second else b, out, times)) / times


def measure(name: str) -> None:
    network, steps, rate, updates = JOBS[name]
    random = np.random.default_rng(0)
    samples = BATCH * updates
    x = random.standard_normal((samples, network.widths[0])).astype(network.dtype)
    y = np.eye(10, dtype=network.dtype)[random.integers(0, 10, samples)]
    learner = Learner(
        network,
        initial_weights(network, 0),
        rule=PredictiveCoding(Relaxation(steps, rate)),
        x=x,
        y=y,
        batch=BATCH,
        optimiser=WeightOptimiser("adam", 1e-3),
        updates_total=updates,
    )
    order = batch_rows(0, samples, batch=BATCH, epochs=1)
    counts = products(network, batch=BATCH, steps=steps)
    update_s = best_s(lambda: learner.updates(order, done=0)) / updates
    products_s = sum(times * product_s(product) for product, times in counts.items())
    print(
        f"{name}: one update {update_s * 1e3:8.3f} ms, its products {products_s * 1e3:8.3f} ms, ",
        end="",
    )
    print(f"ratio {update_s / products_s:.3f}")


def main() -> None:
    with threadpool_limits(1, user_api="blas"):
        for name in sys.argv[1:] or JOBS:
            measure(name)


if __name__ == "__main__":
    main()
