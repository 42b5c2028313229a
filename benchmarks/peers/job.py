"""What is every contestant of the engine benchmark to compute?

A job is one network with relu, squared error and no biases, relaxed from its feed-forward state by ``steps``
simultaneous gradient steps at ``rate`` per sample (placement pre), after which Adam steps the weights once.
Batches are (samples, width), C-ordered, float32.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from pcsim.engine.network import DenseNetwork, Weights, initial_weights

BATCH = 64
KEEP1, KEEP2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's constants."""


@dataclass(frozen=True)
class Job:
    """A network, how its states relax, Adam's rate, and how many updates are timed at a time."""

    name: str
    network: DenseNetwork
    steps: int
    rate: float
    learning_rate: float
    updates: int

    @property
    def weights(self) -> Weights:
        return initial_weights(self.network, 0)

    def batches(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (updates, batch, width) and one-hot targets."""
        random = np.random.default_rng(0)
        samples = self.updates * BATCH
        x = random.standard_normal((samples, self.network.widths[0])).astype(np.float32)
        y = np.eye(self.network.widths[-1], dtype=np.float32)[random.integers(0, 10, samples)]
        return x.reshape(self.updates, BATCH, -1), y.reshape(self.updates, BATCH, -1)


A = Job(
    "A",
    DenseNetwork((784, 128, 128, 128, 10), "relu", "mse", "float32"),
    steps=20,
    rate=0.1,
    learning_rate=1e-3,
    updates=20,
)
B = Job(
    "B",
    DenseNetwork(
        (784, *(128,) * 99, 10), "relu", "mse", "float32", parameterisation="mupc", skips=True
    ),
    steps=100,
    rate=0.0078,
    learning_rate=1e-3,
    updates=1,
)
C = replace(B, name="C", rate=0.3)
"""B with steps so large that errors reach half of the layers."""
JOBS = {job.name: job for job in (A, B, C)}


class Contestant(Protocol):
    """Whoever computes a job. ``run`` makes all its updates, going on from where the last call ended."""

    def run(self) -> None: ...

    def state(self) -> tuple[Weights, Weights]:
        """The weights W_l, (out, in), and Adam's first moments of them."""
