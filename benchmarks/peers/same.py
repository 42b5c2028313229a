"""Have two contestants made the same update, as far as float32 can tell?

Compared are Adam's first moment, which is a tenth of the gradient, and the weights. Adam's first step is of one
size wherever the gradient is above its epsilon: rounding noise would be stepped, too, so that weights are compared
where the gradient is more than noise.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from peers.job import Contestant, Job

RATE = 0.3
"""Of the inference steps of the comparison: so fast that errors climb far up in a hundred steps."""
GRADIENT = 1e-3
"""Largest deviation of a gradient's element, in units of its layer's largest."""
NOISE = 3e-8
"""Deviation of a gradient's element that rounding alone makes, with states of about 1."""
CLEAR = 0.01
"""A weight is compared where the gradient is this much of its layer's largest, and ten times the noise."""
WEIGHT = 1e-2
"""Largest deviation of a weight, in units of Adam's rate."""


def comparable(job: Job) -> Job:
    """The job whose single update is compared."""
    return replace(job, rate=RATE, updates=1)


def check_same(job: Job, name: str, ours: Contestant, theirs: Contestant) -> int:
    """In how many layers gradients were above noise; SystemExit where the first update differs anywhere."""
    compared = 0
    for layer, (w, m, w_, m_) in enumerate(zip(*ours.state(), *theirs.state(), strict=True), 1):
        largest = float(np.abs(m).max())
        apart = float(np.abs(m - m_).max())
        there = np.abs(m) > max(CLEAR * largest, 10 * NOISE)
        steps_apart = float(np.abs(w - w_)[there].max(initial=0.0)) / job.learning_rate
        if apart > GRADIENT * largest + NOISE or steps_apart > WEIGHT:
            raise SystemExit(
                f"{name} must make pcsim's update of {job.name}, not one apart in layer {layer} by {apart:.1e} in "
                f"a gradient of up to {largest:.1e} and by {steps_apart:.1e} of Adam's rate in a weight"
            )
        compared += bool(there.any())
    return compared
