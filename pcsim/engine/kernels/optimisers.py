"""How does a weight follow its gradient? SGD or Adam, over flat arrays.

``product`` is e a^T summed over the batch, so that the gradient is -product / batch. Adam is the
paper's (arXiv 1412.6980, algorithm 1): b1 0.9, b2 0.999, both moments bias-corrected, epsilon
outside the root.
"""

from __future__ import annotations

import math

from pcsim.engine.kernels.jit import jit
from pcsim.engine.kernels.layout import ADAM


@jit
def optimise(optimiser, update, batch, product, weights, first, second):
    """Step ``weights`` in place; ``update`` counts from 1; ``first`` and ``second`` are Adam's moments."""
    real = weights.dtype.type
    scale = real(-1.0 / batch)
    step = real(optimiser.rate)
    if optimiser.kind == ADAM:
        keep1, add1 = real(0.9), real(1.0 - 0.9)
        keep2, add2 = real(0.999), real(1.0 - 0.999)
        unbias1 = real(1.0 / (1.0 - 0.9**update))
        unbias2 = real(1.0 / (1.0 - 0.999**update))
        epsilon = real(1e-8)
        for i in range(weights.size):
            g = scale * product[i]
            first[i] = keep1 * first[i] + add1 * g
            second[i] = keep2 * second[i] + add2 * (g * g)
            weights[i] -= step * (first[i] * unbias1) / (math.sqrt(second[i] * unbias2) + epsilon)
    else:
        for i in range(weights.size):
            weights[i] -= step * (scale * product[i])
