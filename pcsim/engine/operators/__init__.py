"""What does each operator compute? One table, with the same names as that of ``network/operators``.

A file of your own adds to both (docs/operators.md).
"""

from __future__ import annotations

from pcsim.engine.operators import attention, conv2d, dense, norms, pointwise, pools, reshapes
from pcsim.engine.operators.operation import Operation as Operation

OPERATIONS: dict[str, type[Operation]] = {
    "dense": dense.DenseOperation,
    "conv2d": conv2d.Conv2dOperation,
    "max_pool": pools.MaxPoolOperation,
    "avg_pool": pools.AvgPoolOperation,
    "global_avg_pool": pools.GlobalAvgPoolOperation,
    "mean_tokens": pools.MeanTokensOperation,
    "layer_norm": norms.LayerNormOperation,
    "rms_norm": norms.RmsNormOperation,
    "attention": attention.AttentionOperation,
    "relu": pointwise.ReluOperation,
    "leaky_relu": pointwise.LeakyReluOperation,
    "tanh": pointwise.TanhOperation,
    "sigmoid": pointwise.SigmoidOperation,
    "silu": pointwise.SiluOperation,
    "gelu": pointwise.GeluOperation,
    "hard_tanh": pointwise.HardTanhOperation,
    "scale": pointwise.ScaleOperation,
    "position": pointwise.PositionOperation,
    "flatten": reshapes.FlattenOperation,
    "tokens": reshapes.TokensOperation,
    "patches": reshapes.PatchesOperation,
}
"""By the word of files."""
