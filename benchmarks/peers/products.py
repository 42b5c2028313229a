"""How long do an update's matrix products take by themselves, each hot and alone?"""

from __future__ import annotations

from collections import Counter

import numba
import numpy as np

from pcsim.engine.kernels.layout import Data, block_columns, new_batch, new_parameters
from pcsim.engine.kernels.passes import load_batch
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.relaxer import Relaxer
from peers.job import BATCH, Job

# Rows, inner size, columns, and whether the first and the second factor are transposed.
Product = tuple[int, int, int, bool, bool]


def layers_moved(job: Job) -> list[int]:
    """For each block and step how many hidden layers the engine moves in the job's first update."""
    network, last = job.network, job.network.layers
    x, y = (part[0] for part in job.batches())
    relaxer = Relaxer(network, Relaxation(job.steps, job.rate), BATCH)
    weights, batch = new_parameters(network, job.weights).weights, new_batch(network, BATCH)
    load_batch(relaxer.shape, weights, Data(x, y), np.arange(BATCH), batch, batch.p1, None)
    moved = []
    for begin in range(0, BATCH, relaxer.columns):
        relaxer.start(weights, batch, begin, relaxer.columns)
        front = last - 1
        for step in range(job.steps):
            moved.append(last - front)
            relaxer.relax(weights, relaxer.columns, done=step, steps=1)
            at, behind = (relaxer.shape.unit_at[front : front + 2] * relaxer.columns).tolist()
            if relaxer.block.e[at:behind].any():
                front = max(1, front - 1)
    return moved


def products_of(job: Job) -> Counter[Product]:
    """Every product of one update, and how often: no product of an idle layer or of a fixed prediction."""
    widths, last, columns = (
        job.network.widths,
        job.network.layers,
        block_columns(job.network, BATCH),
    )
    assert BATCH % columns == 0
    counts: Counter[Product] = Counter([(widths[1], widths[0], BATCH, False, True)])
    for layer in range(1, last + 1):
        counts[widths[layer], BATCH, widths[layer - 1], False, layer > 1] += 1
    moved = layers_moved(job)
    for layer in range(2, last + 1):
        moves = sum(layers > last - layer for layers in moved)  # of state layer - 1
        counts[widths[layer], widths[layer - 1], columns, False, False] += moves + BATCH // columns
        counts[widths[layer - 1], widths[layer], columns, True, False] += moves
    return counts


@numba.njit
def repeat(a: np.ndarray, b: np.ndarray, out: np.ndarray, times: int) -> None:
    for _ in range(times):
        np.dot(a, b, out)


class Products:
    """The products of all updates of a job, one shape after the other on the same operands."""

    def __init__(self, job: Job) -> None:
        self.counts = products_of(job)
        self.updates = job.updates
        self.flop = sum(2 * m * k * n * times for (m, k, n, *_), times in self.counts.items())
        random = np.random.default_rng(0)
        self.operands = []
        for rows, inner, columns, first, second in self.counts:
            a = random.standard_normal((inner, rows) if first else (rows, inner))
            b = random.standard_normal((columns, inner) if second else (inner, columns))
            a, b = a.astype(np.float32), b.astype(np.float32)
            out = np.empty((rows, columns), np.float32)
            self.operands.append((a.T if first else a, b.T if second else b, out))

    def run(self) -> None:
        for operands, times in zip(self.operands, self.counts.values(), strict=True):
            repeat(*operands, times * self.updates)


class Sgemm:
    """One large product, the machine's measure."""

    size = 1024

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.a, self.b = random.standard_normal((2, self.size, self.size)).astype(np.float32)
        self.out = np.empty_like(self.a)

    def run(self) -> None:
        repeat(self.a, self.b, self.out, 1)

    @property
    def flop(self) -> int:
        return 2 * self.size**3
