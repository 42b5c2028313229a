"""Backpropagation: errors travel from the output down once, then every layer learns from its own.

Errors carry predictive coding's sign, e_L = y - p_L and
e_l = (a_{l+1} W_{l+1}^T e_{l+1}) * phi'(p_l) + skip_{l+1} e_{l+1}, so that both rules share one
weight step. The placement of phi does not matter here.
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.borrow import borrowed
from pcsim.compiled.jit import jit
from pcsim.engine.kernels.activations import times_derivative
from pcsim.engine.kernels.arithmetic import ERROR, PULL, round_error, round_steep
from pcsim.engine.kernels.layout import layer_flat, layer_units, layer_weights
from pcsim.engine.kernels.losses import half_square, output_energy, output_error
from pcsim.engine.kernels.passes import add_to, forward, load_batch, step_weights
from pcsim.engine.kernels.rounded_products import product_backward


@jit
def backward(shape, weights, batch, p, pull, numerics):
    """Fill ``batch.d`` of all layers with e; ``batch.a`` and ``p`` hold a forward pass."""
    last = shape.widths.size - 1
    columns = batch.x.shape[0]
    out = layer_units(p, shape, last, columns)
    output_error(shape.loss, batch.y, out, layer_units(batch.d, shape, last, columns))
    if numerics is not None:
        round_error(layer_flat(batch.d, shape, last, columns), ERROR, last, columns, numerics)
    for layer in range(last - 1, 0, -1):
        here = pull[: shape.widths[layer] * columns]
        errors = layer_units(batch.d, shape, layer + 1, columns)
        out = here.reshape(shape.widths[layer], columns)
        if numerics is None:
            np.dot(layer_weights(weights, shape, layer + 1).T, errors, out)
        else:
            product_backward(shape, layer + 1, errors, out, numerics)
            round_error(here, PULL, layer, columns, numerics)
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
        if numerics is not None:
            if shape.skips[layer + 1]:
                round_error(e, ERROR, layer, columns, numerics)
            else:
                round_steep(shape.activation, e, ERROR, layer, columns, numerics)


@jit
def backpropagation_updates(
    shape, parameters, data, order, done, optimiser, batch, block, learn, numerics
):
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
    weights = parameters.weights
    if numerics is not None:
        weights = numerics.read
    for update in range(order.shape[0]):
        if numerics is not None:
            numerics.clock[0] = done + update
            numerics.clock[1] = 0
        load_batch(shape, weights, data, order[update], batch, p1, numerics)
        forward(shape, weights, size, block.p, batch.a, numerics)
        backward(shape, weights, batch, block.p, block.pull, numerics)
        if update == order.shape[0] - 1:
            out = layer_units(block.p, shape, last, size)
            loss = output_energy(shape.loss, batch.y, out) / size
        if learn:
            step_weights(
                shape, parameters, batch, last, done + update + 1, -1.0 / size, optimiser, numerics
            )
        if not math.isfinite(half_square(layer_flat(batch.d, shape, last, size))):
            return update + 1, math.nan
    return order.shape[0], loss
