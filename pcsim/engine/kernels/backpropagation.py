"""Backpropagation: errors travel from the output down once, then every layer learns from its own.

Errors carry predictive coding's sign, e_L = y - p_L and
e_l = (a_{l+1} W_{l+1}^T e_{l+1}) * phi'(p_l) + skip_{l+1} e_{l+1}, so that both rules share one
weight step. The placement of phi does not matter here.
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.engine.kernels.activations import times_derivative
from pcsim.engine.kernels.borrow import borrowed
from pcsim.engine.kernels.jit import jit
from pcsim.engine.kernels.layout import layer_flat, layer_units, layer_weights
from pcsim.engine.kernels.losses import half_square, output_energy, output_error
from pcsim.engine.kernels.passes import add_to, forward, load_batch, step_weights


@jit
def backward(shape, weights, batch, p, pull):
    """Fill ``batch.d`` of all layers with e; ``batch.a`` and ``p`` hold a forward pass."""
    last = shape.widths.size - 1
    columns = batch.x.shape[0]
    out = layer_units(p, shape, last, columns)
    output_error(shape.loss, batch.y, out, layer_units(batch.d, shape, last, columns))
    for layer in range(last - 1, 0, -1):
        here = pull[: shape.widths[layer] * columns]
        np.dot(
            layer_weights(weights, shape, layer + 1).T,
            layer_units(batch.d, shape, layer + 1, columns),
            here.reshape(shape.widths[layer], columns),
        )
        e = layer_flat(batch.d, shape, layer, columns)
        times_derivative(
            shape.activation,
            here,
            layer_flat(p, shape, layer, columns),
            layer_flat(batch.a, shape, layer, columns),
            e,
        )
        if shape.skips[layer + 1]:
            add_to(e, layer_flat(batch.d, shape, layer + 1, columns))


@jit
def backpropagation_updates(shape, parameters, data, order, done, optimiser, batch, block, learn):
    """Learn from each row of ``order``, ``done`` updates lying behind; returns (updates made, last loss).

    Stops after the update in which an output error is no longer finite. ``learn`` False leaves the
    weights as they are and only measures the loss. Of ``block``, as wide as the batch, p and pull
    are used.
    """
    shape, parameters, data = borrowed(shape), borrowed(parameters), borrowed(data)
    batch, block = borrowed(batch), borrowed(block)
    last = shape.widths.size - 1
    loss = 0.0
    size = order.shape[1]
    p1 = layer_units(block.p, shape, 1, size)
    for update in range(order.shape[0]):
        load_batch(shape, parameters.weights, data, order[update], batch, p1)
        forward(shape, parameters.weights, size, block.p, batch.a)
        backward(shape, parameters.weights, batch, block.p, block.pull)
        if update == order.shape[0] - 1:
            out = layer_units(block.p, shape, last, size)
            loss = output_energy(shape.loss, batch.y, out) / size
        if learn:
            step_weights(shape, parameters, batch, last, done + update + 1, -1.0 / size, optimiser)
        if not math.isfinite(half_square(layer_flat(batch.d, shape, last, size))):
            return update + 1, math.nan
    return order.shape[0], loss
