"""What work is each operator? One row for every operator that a network may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pcsim.network.operators import Shape
from pcsim.program.operators import attention, conv2d, dense, norms, pointwise, pools, reshapes
from pcsim.program.operators.work import Weightless as Weightless
from pcsim.program.operators.work import Work as Work

WORK: dict[str, Callable[[Any, Shape, Shape], Work]] = {
    "dense": dense.work,
    "conv2d": conv2d.work,
    "max_pool": pools.max_pool,
    "avg_pool": pools.avg_pool,
    "global_avg_pool": pools.global_avg_pool,
    "mean_tokens": pools.mean_tokens,
    "layer_norm": norms.layer_norm,
    "rms_norm": norms.rms_norm,
    "attention": attention.work,
    "relu": pointwise.activate,
    "leaky_relu": pointwise.activate,
    "tanh": pointwise.activate,
    "sigmoid": pointwise.activate,
    "silu": pointwise.activate,
    "gelu": pointwise.activate,
    "hard_tanh": pointwise.activate,
    "scale": pointwise.scale,
    "position": pointwise.position,
    "flatten": reshapes.reshape,
    "tokens": reshapes.reshape,
    "patches": reshapes.reshape,
}
"""By the word of files: of an operator, and of the shapes that it reads and gives, its work."""
