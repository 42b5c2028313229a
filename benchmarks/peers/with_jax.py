"""JAX on the CPU: a whole update, all steps and Adam, in one jit with a ``fori_loop``; buffers are donated."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from pcsim.engine.network import Weights
from peers.job import BATCH, EPSILON, KEEP1, KEEP2, Job


class Jax:
    """The layers are a list that ``jit`` unrolls; states are (width, samples), and W is kept transposed, too.

    Of the ways tried this is the fastest on the small network and as fast as any on the deep one.
    """

    def __init__(self, job: Job) -> None:
        w = [jnp.array(w) for w in job.weights]
        self.carried = (w, [jnp.zeros_like(w) for w in w], [jnp.zeros_like(w) for w in w])
        self.count = 0
        self.batches = [
            tuple(jnp.array(part) for part in pair) for pair in zip(*job.batches(), strict=True)
        ]
        self.update = jax.jit(partial(update, job), donate_argnums=0)

    def run(self) -> None:
        for x, y in self.batches:
            self.count += 1
            self.carried = self.update(self.carried, np.float32(self.count), x, y)
        jax.block_until_ready(self.carried)

    def state(self) -> tuple[Weights, Weights]:
        w, m, _ = self.carried
        return tuple(map(np.asarray, w)), tuple(map(np.asarray, m))


def update(job: Job, carried, count, x, y):
    """One update; ``carried`` is weights, first and second moments, a list of layers each."""
    w, m, v = carried
    scales, skips, last = job.network.scales, job.network.skipped, job.network.layers
    scaled = [w * np.float32(a) for w, a in zip(w, scales, strict=True)]

    # The barrier keeps XLA from transposing again in every step.
    turned = [jax.lax.optimization_barrier(w.T) for w in scaled]

    def predict(layer, z):  # layer counts from 0; z[i] is what layer i makes
        out = scaled[layer] @ jnp.maximum(z[layer - 1], 0)
        return out + z[layer - 1] if skips[layer] else out

    def errors(z):
        predictions = [p1, *(predict(layer, z) for layer in range(1, last))]
        return [z - p for z, p in zip((*z, y), predictions, strict=True)]

    def step(_, z):
        e = errors(z)
        moved = []
        for layer in range(last - 1):
            pull = (turned[layer + 1] @ e[layer + 1]) * (z[layer] > 0)
            if skips[layer + 1]:
                pull += e[layer + 1]
            moved.append(z[layer] - np.float32(job.rate) * (e[layer] - pull))
        return moved

    x, y = x.T, y.T
    p1 = scaled[0] @ x
    z = [p1]
    for layer in range(1, last - 1):
        z.append(predict(layer, z))
    z = jax.lax.fori_loop(0, job.steps, step, z)
    e = errors(z)
    inputs = [x, *(jnp.maximum(z, 0) for z in z)]
    g = [-(a / BATCH) * (e @ i.T) for a, e, i in zip(scales, e, inputs, strict=True)]
    m = [KEEP1 * m + (1 - KEEP1) * g for m, g in zip(m, g, strict=True)]
    v = [KEEP2 * v + (1 - KEEP2) * g * g for v, g in zip(v, g, strict=True)]
    unbias1, unbias2 = 1 / (1 - KEEP1**count), 1 / (1 - KEEP2**count)
    w = [
        w - job.learning_rate * unbias1 * m / (jnp.sqrt(v * unbias2) + EPSILON)
        for w, m, v in zip(w, m, v, strict=True)
    ]
    return w, m, v
