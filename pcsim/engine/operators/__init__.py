"""What does each operator compute? One table, with the same names as that of ``network/operators``.

A file of your own adds to both (docs/operators.md).
"""

from __future__ import annotations

from pcsim.engine.operators import attention, conv2d, dense, norms, pointwise, pools, reshapes
from pcsim.engine.operators.operation import Operation as Operation

OPERATIONS: dict[str, type[Operation]] = {
    "dense": dense.Dense,
    "conv2d": conv2d.Conv2d,
    "max_pool": pools.MaxPool,
    "avg_pool": pools.AvgPool,
    "global_avg_pool": pools.GlobalAvgPool,
    "mean_tokens": pools.MeanTokens,
    "layer_norm": norms.LayerNorm,
    "rms_norm": norms.RmsNorm,
    "attention": attention.Attention,
    "relu": pointwise.Relu,
    "leaky_relu": pointwise.LeakyRelu,
    "tanh": pointwise.Tanh,
    "sigmoid": pointwise.Sigmoid,
    "silu": pointwise.Silu,
    "gelu": pointwise.Gelu,
    "hard_tanh": pointwise.HardTanh,
    "scale": pointwise.Scale,
    "position": pointwise.Position,
    "flatten": reshapes.Flatten,
    "tokens": reshapes.Tokens,
    "patches": reshapes.Patches,
}
"""By the word of files."""
