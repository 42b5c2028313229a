"""numpy, with every array allocated once and every operation into ``out``."""

from __future__ import annotations

import numpy as np

from pcsim.engine.network import Weights
from peers.job import BATCH, EPSILON, KEEP1, KEEP2, Job


class Numpy:
    """Layer by layer; states are (width, samples), so that both products of a step read W as it lies."""

    def __init__(self, job: Job) -> None:
        self.job = job
        widths, self.last = job.network.widths, job.network.layers
        self.x, self.y = job.batches()
        self.w = [w.copy() for w in job.weights]
        self.m, self.v = ([np.zeros_like(w) for w in self.w] for _ in range(2))
        self.g, self.scaled, self.room = ([np.empty_like(w) for w in self.w] for _ in range(3))
        self.scales = [np.float32(a) for a in job.network.scales]
        self.skips = (False, *job.network.skipped, False)
        units = [np.empty((width, BATCH), np.float32) for width in widths]
        self.z, self.a, self.p, self.e, self.pull = (
            [np.empty_like(u) for u in units] for _ in "zapeu"
        )
        self.gate = [np.empty(u.shape, bool) for u in units]
        self.count = 0

    def run(self) -> None:
        for x, y in zip(self.x, self.y, strict=True):
            self.update(x, y)

    def predict(self, layer: int) -> None:
        np.matmul(self.scaled[layer - 1], self.a[layer - 1], out=self.p[layer])
        if self.skips[layer]:
            self.p[layer] += self.z[layer - 1]

    def update(self, x: np.ndarray, y: np.ndarray) -> None:
        z, a, p, e, pull, last = self.z, self.a, self.p, self.e, self.pull, self.last
        for w, scale, scaled in zip(self.w, self.scales, self.scaled, strict=True):
            np.multiply(w, scale, out=scaled)
        a[0] = x.T
        for layer in range(1, last + 1):
            self.predict(layer)
            if layer < last:
                z[layer][:] = p[layer]
                np.maximum(z[layer], 0, out=a[layer])
                e[layer].fill(0)
        np.subtract(y.T, p[last], out=e[last])
        for _ in range(self.job.steps):
            for layer in range(1, last):
                np.matmul(self.scaled[layer].T, e[layer + 1], out=pull[layer])
                np.greater(z[layer], 0, out=self.gate[layer])
                pull[layer] *= self.gate[layer]
                pull[layer] -= e[layer]
                if self.skips[layer + 1]:
                    pull[layer] += e[layer + 1]
                pull[layer] *= np.float32(self.job.rate)
            for layer in range(1, last):
                z[layer] += pull[layer]
                np.maximum(z[layer], 0, out=a[layer])
                if layer > 1:
                    self.predict(layer)
                np.subtract(z[layer], p[layer], out=e[layer])
            self.predict(last)
            np.subtract(y.T, p[last], out=e[last])
        self.learn()

    def learn(self) -> None:
        self.count += 1
        unbias1 = np.float32(1 / (1 - KEEP1**self.count))
        unbias2 = np.float32(1 / (1 - KEEP2**self.count))
        for layer, (w, m, v, g, room) in enumerate(
            zip(self.w, self.m, self.v, self.g, self.room, strict=True)
        ):
            np.matmul(self.e[layer + 1], self.a[layer].T, out=g)
            g *= np.float32(-self.scales[layer] / BATCH)
            m *= np.float32(KEEP1)
            np.multiply(g, np.float32(1 - KEEP1), out=room)
            m += room
            v *= np.float32(KEEP2)
            np.multiply(g, g, out=room)
            room *= np.float32(1 - KEEP2)
            v += room
            np.multiply(v, unbias2, out=room)
            np.sqrt(room, out=room)
            room += np.float32(EPSILON)
            np.divide(m, room, out=room)
            room *= np.float32(self.job.learning_rate) * unbias1
            w -= room

    def state(self) -> tuple[Weights, Weights]:
        return tuple(self.w), tuple(self.m)
