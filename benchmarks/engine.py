"""How much of a predictive coding update is more than its matrix products?

Prints the milliseconds of one update of 784-128-128-128-10 (batch 64, 20 inference steps, relu,
Adam, float32, one thread) beside the summed time of its own products, each timed hot and alone in
the same run.

    python benchmarks/engine.py
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that numba calls
from threadpoolctl import threadpool_limits

from pcsim.engine.kernels.layout import block_columns
from pcsim.engine.network import Network, batch_rows, initial_weights
from pcsim.engine.rules import Learner, PredictiveCoding

NETWORK = Network((784, 128, 128, 128, 10), "relu", "mse", "float32")
BATCH, STEPS, UPDATES, ROUNDS = 64, 20, 50, 12

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
    a = random.standard_normal((inner, rows) if first else (rows, inner)).astype(NETWORK.dtype)
    b = random.standard_normal((columns, inner) if second else (inner, columns)).astype(a.dtype)
    out = np.empty((rows, columns), a.dtype)
    return best_s(lambda: repeat(a.T if first else a, b.T if second else b, out, times)) / times


def main() -> None:
    random = np.random.default_rng(0)
    samples = BATCH * UPDATES
    x = random.standard_normal((samples, NETWORK.widths[0])).astype(NETWORK.dtype)
    y = np.eye(10, dtype=NETWORK.dtype)[random.integers(0, 10, samples)]
    rule = PredictiveCoding(STEPS, 0.1)
    weights = initial_weights(NETWORK, 0)
    learner = Learner(NETWORK, weights, rule=rule, x=x, y=y, batch=BATCH, optimiser=("adam", 1e-3))
    order = batch_rows(0, samples, batch=BATCH, epochs=1)
    counts = products(NETWORK, batch=BATCH, steps=STEPS)
    with threadpool_limits(1, user_api="blas"):
        update_s = best_s(lambda: learner.updates(order, done=0)) / UPDATES
        products_s = sum(times * product_s(product) for product, times in counts.items())
    print(f"one update     {update_s * 1e3:6.3f} ms")
    print(f"its products   {products_s * 1e3:6.3f} ms")
    print(f"ratio          {update_s / products_s:6.3f}")


if __name__ == "__main__":
    main()
