"""Predictive coding: states relax towards the energy's minimum, then every layer learns from its own error.

F = (1/B) sum [ sum_{l<L} 1/2 |z_l - p_l|^2 + loss(y, p_L) ], with p_l as in network.py.
From a feed-forward start, each inference step moves all hidden states at once (order jacobi):
z_l <- z_l - rate ( e_l - (a_{l+1} W_{l+1}^T e_{l+1}) * phi'(z_l) - skip_{l+1} e_{l+1} ),
with e_l = z_l - p_l and e_L = y - p_L (cross-entropy: y - softmax(p_L)). With placement post, where
p_l = phi(u_l), products read d_l = e_l * phi'(u_l) and z_l in the place of e_l and phi(z_l).

The wavefront: the error enters at the output and climbs one layer a step, so step t (from 0) can
move only z_{L-1-t} and above; and it climbs no further than a layer whose error is still exactly 0 in
all samples, because the step was smaller than its states can resolve. Skipping the rest saves its
work and changes no bit.

Other orders and ways of moving are in relaxation.py, which is compiled only where it is used.
"""

from __future__ import annotations

import math

import numpy as np

from pcsim.compiled.borrow import borrowed
from pcsim.compiled.jit import inner, jit
from pcsim.engine.kernels.activations import activate, inference_step, times_derivative
from pcsim.engine.kernels.arithmetic import (
    ERROR,
    OUTCOME,
    PULL,
    READ_ERROR,
    round_activity,
    round_error,
    round_steep,
)
from pcsim.engine.kernels.layout import layer_flat, layer_units, layer_weights
from pcsim.engine.kernels.losses import half_square, output_energy, output_error
from pcsim.engine.kernels.passes import (
    forward,
    load_batch,
    predict,
    put_columns,
    step_weights,
    take_columns,
)
from pcsim.engine.kernels.rounded_products import product_backward

SWEEPS = 4
"""Steps that share what they load: 9 layers of width 128 with their weights are about 1 MiB."""


@jit
def start_block(shape, weights, batch, begin, columns, block, numerics):
    """Put samples begin..begin+columns of the batch into ``block``, at the feed-forward state."""
    last = shape.widths.size - 1
    y = block.y[: shape.widths[last] * columns].reshape(shape.widths[last], columns)
    take_columns(batch.y, begin, y)
    take_columns(batch.p1, begin, layer_units(block.u, shape, 1, columns))
    forward(shape, weights, columns, block.u, block.a, numerics)
    hidden = shape.unit_at[last] * columns
    if shape.post:
        for i in range(hidden):
            block.p[i] = block.a[i]
            block.d[i] = 0.0
    for i in range(hidden):
        block.z[i] = block.p[i]
        block.e[i] = 0.0
    meet_target(shape, block, columns, numerics)


@inner
def meet_target(shape, block, columns, numerics):
    """p_L, e_L and d_L from u_L and the target."""
    last = shape.widths.size - 1
    y = block.y[: shape.widths[last] * columns].reshape(shape.widths[last], columns)
    e = layer_units(block.e, shape, last, columns)
    output_error(shape.loss, y, layer_units(block.u, shape, last, columns), e)
    if numerics is not None:
        round_error(layer_flat(block.e, shape, last, columns), ERROR, last, columns, numerics)
    if shape.post:
        for i in range(shape.unit_at[last] * columns, shape.unit_at[last + 1] * columns):
            block.p[i] = block.u[i]
            block.d[i] = block.e[i]


@inner
def pull_from_above(shape, weights, block, layer, columns, numerics):
    """(a W)_{layer+1}^T d_{layer+1}, flat; what comes by a skip is taken from e_layer, which the step replaces."""
    pull = block.pull[: shape.widths[layer] * columns]
    errors = layer_units(block.d, shape, layer + 1, columns)
    out = pull.reshape(shape.widths[layer], columns)
    if numerics is None:
        np.dot(layer_weights(weights, shape, layer + 1).T, errors, out)
    else:
        product_backward(shape, layer + 1, errors, out, numerics)
        round_error(pull, PULL, layer, columns, numerics)
    if shape.skips[layer + 1]:
        e = layer_flat(block.e, shape, layer, columns)
        above = layer_flat(block.d, shape, layer + 1, columns)
        for i in range(e.size):
            e[i] -= above[i]
    return pull


@jit
def relax(shape, weights, block, columns, inference, numerics):
    """The inference steps after the ``inference.done`` that the block has behind it.

    ``SWEEPS`` steps climb the layers together, each two layers behind the one before: what a layer
    reads of its neighbours is then of the right step, and what one step has loaded the next one
    finds in the cache. The order changes no bit. In rounded numbers the front climbs a layer a step whatever
    is there, as predictions may be rounded at random.
    """
    last = shape.widths.size - 1
    end = inference.done + inference.steps
    fronts = np.ones(SWEEPS + 1, np.int64)  # the lowest layer of each step
    if inference.wavefront:
        fronts[0] = max(1, last - 1 - inference.done)
        if numerics is None:
            while fronts[0] < last - 1 and rests(shape, block, columns, fronts[0]):
                fronts[0] += 1
    for first in range(inference.done, end, SWEEPS):
        sweeps = min(SWEEPS, end - first)
        for place in range(fronts[0], last + 2 * sweeps - 1):
            for sweep in range(sweeps):
                layer, front = place - 2 * sweep, fronts[sweep]
                if numerics is not None:
                    numerics.clock[1] = first + sweep + 1
                if front <= layer and layer <= last:
                    relax_layer(
                        shape, weights, block, columns, inference, layer, layer > front, numerics
                    )
                if layer == front and inference.wavefront:
                    moved = True
                    if numerics is None:
                        moved = not all_zero(layer_flat(block.e, shape, layer, columns))
                    fronts[sweep + 1] = max(1, front - 1) if moved else front
        fronts[0] = fronts[sweeps]


@inner
def rests(shape, block, columns, layer):
    """Whether a step leaves a layer as it is: neither it nor the layer above has an error."""
    return all_zero(layer_flat(block.e, shape, layer, columns)) and all_zero(
        layer_flat(block.e, shape, layer + 1, columns)
    )


@inner
def all_zero(e):
    """Whether a flat array holds nothing but zeros."""
    i = 0
    while i < e.size and e[i] == 0:
        i += 1
    return i == e.size


@inner
def relax_layer(shape, weights, block, columns, inference, layer, repredict, numerics):
    """One step of one layer, whose neighbour below has made it; ``repredict`` where that has moved.

    Upwards, each layer reads the error above before that layer replaces it: all move at once.
    """
    u = layer_flat(block.u, shape, layer, columns)
    p = layer_flat(block.p, shape, layer, columns)
    if repredict:
        predict(shape, weights, layer, columns, block.z, block.a, block.u, numerics)
    if layer == shape.widths.size - 1:
        meet_target(shape, block, columns, numerics)
        return
    if shape.post and repredict:
        activate(shape.activation, u, p)
        if numerics is not None:
            round_activity(shape.activation, p, OUTCOME, layer, columns, numerics)
    e = layer_flat(block.e, shape, layer, columns)
    inference_step(
        shape.on_states,
        block.z.dtype.type(inference.rate),
        pull_from_above(shape, weights, block, layer, columns, numerics),
        p,
        layer_flat(block.z, shape, layer, columns),
        layer_flat(block.a, shape, layer, columns),
        e,
        layer,
        columns,
        numerics,
    )
    if shape.post:
        d = layer_flat(block.d, shape, layer, columns)
        times_derivative(shape.activation, e, u, p, d)
        if numerics is not None:
            round_steep(shape.activation, d, READ_ERROR, layer, columns, numerics)


@jit
def finish_block(shape, batch, begin, columns, block):
    """Copy what the weight update reads of the block to where it reads it."""
    whole = batch.x.shape[0]
    for layer in range(1, shape.widths.size):
        d = layer_units(block.d, shape, layer, columns)
        put_columns(d, layer_units(batch.d, shape, layer, whole), begin)
        if layer < shape.widths.size - 1:
            a = layer_units(block.a, shape, layer, columns)
            put_columns(a, layer_units(batch.a, shape, layer, whole), begin)


@jit
def layer_energy(shape, block, columns, layer):
    """The energy of one layer, summed over the block's samples."""
    last = shape.widths.size - 1
    if layer < last:
        return half_square(layer_flat(block.e, shape, layer, columns))
    y = block.y[: shape.widths[last] * columns].reshape(shape.widths[last], columns)
    return output_energy(shape.loss, y, layer_units(block.p, shape, last, columns))


@jit
def total_energy(shape, block, columns):
    """F, summed over the block's samples."""
    energy = 0.0
    for layer in range(1, shape.widths.size):
        energy += layer_energy(shape, block, columns, layer)
    return energy


@jit
def predictive_coding_updates(
    shape, parameters, data, order, done, optimiser, inference, batch, block, learn, numerics
):
    """Learn from each row of ``order``, ``done`` updates lying behind; returns (updates made, last F).

    Stops after the update in which an output error is no longer finite. ``learn`` False leaves the
    weights as they are and only measures F.
    """
    shape, parameters, data = borrowed(shape), borrowed(parameters), borrowed(data)
    batch, block = borrowed(batch), borrowed(block)
    last = shape.widths.size - 1
    energy = 0.0
    size = order.shape[1]
    weights = parameters.weights
    if numerics is not None:
        weights = numerics.read
    for update in range(order.shape[0]):
        if numerics is not None:
            numerics.clock[0] = done + update
            numerics.clock[1] = 0
        load_batch(shape, weights, data, order[update], batch, batch.p1, numerics)
        measured = update == order.shape[0] - 1
        for begin in range(0, size, inference.columns):
            width = min(inference.columns, size - begin)
            start_block(shape, weights, batch, begin, width, block, numerics)
            relax(shape, weights, block, width, inference, numerics)
            finish_block(shape, batch, begin, width, block)
            if measured:
                for layer in range(1, last + 1):
                    energy += layer_energy(shape, block, width, layer)
        if learn:
            reached = min(last, inference.steps + 1) if inference.wavefront else last
            step_weights(
                shape,
                parameters,
                batch,
                reached,
                done + update + 1,
                -1.0 / size,
                optimiser,
                numerics,
            )
        if not math.isfinite(half_square(layer_flat(batch.d, shape, last, size))):
            return update + 1, math.nan
    return order.shape[0], energy / size
