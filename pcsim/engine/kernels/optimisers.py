"""How does a weight follow its gradient? SGD, momentum, Adam or AdamW, over flat arrays.

``product`` is e a^T summed over the batch. The arrays hold a W, the weight times its layer's fixed
scale a, whose gradient by W is a times that by (a W); a step of W is a times a step of (a W). In
number formats of the hardware they hold W.
Momentum: m <- momentum m + g, W <- W - rate m. Adam is the paper's (arXiv 1412.6980, algorithm 1):
b1 0.9, b2 0.999, both moments bias-corrected, epsilon outside the root. AdamW (arXiv 1711.05101)
first shrinks W by rate * decay.
"""

from __future__ import annotations

import math

from pcsim.compiled.jit import inner
from pcsim.engine.kernels.arithmetic import FIRST, SECOND, UPDATED, key_learning, round_rows
from pcsim.engine.kernels.layout import ADAM, ADAMW, COSINE, MOMENTUM, STEP


@inner
def rate_at(optimiser, update):
    """The learning rate of the update ``update``, counted from 1."""
    if optimiser.schedule == COSINE:
        return optimiser.rate * 0.5 * (1.0 + math.cos(math.pi * (update - 1) / optimiser.updates))
    if optimiser.schedule == STEP:
        return optimiser.rate * optimiser.factor ** float((update - 1) // optimiser.every)
    return optimiser.rate


@inner
def optimise(
    optimiser, update, factor, scale, product, weights, first, second, layer, rows, numerics
):
    """Step ``weights``, of so many ``rows``, in place.

    ``update`` counts from 1; ``factor`` times ``product`` is the gradient by a W, ``scale`` is a;
    ``first`` and ``second`` are the moments.
    """
    real = weights.dtype.type
    rate = rate_at(optimiser, update)
    factor = real(factor * scale)
    step = real(rate * scale)
    if numerics is not None:
        step = real(rate)
    if optimiser.kind == ADAM or optimiser.kind == ADAMW:
        if optimiser.decay > 0.0:
            shrink = real(1.0 - rate * optimiser.decay)
            for i in range(weights.size):
                weights[i] *= shrink
        keep1, add1 = real(0.9), real(1.0 - 0.9)
        keep2, add2 = real(0.999), real(1.0 - 0.999)
        unbias1 = real(1.0 / (1.0 - 0.9**update))
        unbias2 = real(1.0 / (1.0 - 0.999**update))
        epsilon = real(1e-8)
        for i in range(weights.size):
            g = factor * product[i]
            first[i] = keep1 * first[i] + add1 * g
            second[i] = keep2 * second[i] + add2 * (g * g)
            if numerics is None:
                weights[i] -= (
                    step * (first[i] * unbias1) / (math.sqrt(second[i] * unbias2) + epsilon)
                )
        if numerics is not None:
            round_moments(first, FIRST, update, layer, rows, numerics)
            round_moments(second, SECOND, update, layer, rows, numerics)
            for i in range(weights.size):
                weights[i] -= (
                    step * (first[i] * unbias1) / (math.sqrt(second[i] * unbias2) + epsilon)
                )
    elif optimiser.kind == MOMENTUM:
        keep = real(optimiser.momentum)
        for i in range(weights.size):
            first[i] = keep * first[i] + factor * product[i]
            if numerics is None:
                weights[i] -= step * first[i]
        if numerics is not None:
            round_moments(first, FIRST, update, layer, rows, numerics)
            for i in range(weights.size):
                weights[i] -= step * first[i]
    else:
        for i in range(weights.size):
            weights[i] -= step * (factor * product[i])
    if numerics is not None:
        key = key_learning(numerics, UPDATED, layer, update)
        round_rows(weights, rows, numerics.updated, key)


@inner
def round_moments(values, tensor, update, layer, rows, numerics):
    """Flat (rows x n) moments after their step, before the weights'."""
    key = key_learning(numerics, tensor, layer, update)
    round_rows(values, rows, numerics.optimiser, key)
