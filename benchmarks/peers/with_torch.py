"""torch on the CPU: gradients by hand, no autograd, results into ``out``.

Hidden layers after the first are one stacked array, so that a step is two batched products and a few
elementwise operations whatever the depth.
"""

from __future__ import annotations

import torch

from pcsim.engine.network import Weights
from peers.job import BATCH, EPSILON, KEEP1, KEEP2, Job


class Torch:
    """States are (layers, samples, width): the torch way around. All hidden layers have one width."""

    def __init__(self, job: Job) -> None:
        self.job = job
        network = job.network
        hidden, width = network.layers - 1, network.widths[1]
        first, *middle, top = (torch.from_numpy(w.copy()) for w in job.weights)
        self.w = [first, torch.stack(middle), top]
        self.m, self.v = ([torch.zeros_like(w) for w in self.w] for _ in range(2))
        self.g, self.scaled = ([torch.empty_like(w) for w in self.w] for _ in range(2))
        self.scales = (network.scales[0], network.scales[1], network.scales[-1])
        self.skips = network.skips
        self.batches = [
            tuple(torch.from_numpy(part) for part in pair)
            for pair in zip(*job.batches(), strict=True)
        ]
        self.z, self.a, self.p, self.e, self.pull = (
            torch.empty(hidden, BATCH, width) for _ in range(5)
        )
        self.out, self.error = (torch.empty(BATCH, network.widths[-1]) for _ in range(2))
        self.count = 0

    @torch.inference_mode()
    def run(self) -> None:
        for x, y in self.batches:
            self.update(x, y)

    def update(self, x: torch.Tensor, y: torch.Tensor) -> None:
        z, a, p, e, pull, rate = self.z, self.a, self.p, self.e, self.pull, self.job.rate
        for w, scale, scaled in zip(self.w, self.scales, self.scaled, strict=True):
            torch.mul(w, scale, out=scaled)
        first, middle, top = self.scaled
        torch.mm(x, first.T, out=p[0])
        for layer in range(1, len(p)):
            torch.clamp(p[layer - 1], min=0, out=a[layer - 1])
            torch.mm(a[layer - 1], middle[layer - 1].T, out=p[layer])
            if self.skips:
                p[layer] += p[layer - 1]
        torch.clamp(p[-1], min=0, out=a[-1])
        z.copy_(p)
        e.zero_()
        torch.mm(a[-1], top.T, out=self.out)
        torch.sub(y, self.out, out=self.error)
        for _ in range(self.job.steps):
            torch.bmm(e[1:], middle, out=pull[:-1])
            torch.mm(self.error, top, out=pull[-1])
            pull *= z > 0
            pull -= e
            if self.skips:
                pull[:-1] += e[1:]
            z.add_(pull, alpha=rate)
            torch.clamp(z, min=0, out=a)
            torch.bmm(a[:-1], middle.mT, out=p[1:])
            torch.sub(z, p, out=e)
            if self.skips:
                e[1:] -= z[:-1]
            torch.mm(a[-1], top.T, out=self.out)
            torch.sub(y, self.out, out=self.error)
        self.learn(x)

    def learn(self, x: torch.Tensor) -> None:
        torch.mm(self.e[0].T, x, out=self.g[0])
        torch.bmm(self.e[1:].mT, self.a[:-1], out=self.g[1])
        torch.mm(self.error.T, self.a[-1], out=self.g[2])
        self.count += 1
        unbias1, unbias2 = 1 / (1 - KEEP1**self.count), 1 / (1 - KEEP2**self.count)
        for w, m, v, g, scale in zip(self.w, self.m, self.v, self.g, self.scales, strict=True):
            g *= -scale / BATCH
            m.lerp_(g, 1 - KEEP1)
            v.mul_(KEEP2).addcmul_(g, g, value=1 - KEEP2)
            torch.mul(v, unbias2, out=g)
            g.sqrt_().add_(EPSILON)
            w.addcdiv_(m, g, value=-self.job.learning_rate * unbias1)

    def state(self) -> tuple[Weights, Weights]:
        return _apart(self.w), _apart(self.m)


def _apart(stacked: list[torch.Tensor]) -> Weights:
    first, middle, top = (part.numpy() for part in stacked)
    return (first, *middle, top)
