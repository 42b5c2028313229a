"""The passes over the layers that rules share: forward through the network, and the step of all weights."""

from __future__ import annotations

import numpy as np

from pcsim.compiled.jit import inner, jit
from pcsim.engine.kernels.activations import activate
from pcsim.engine.kernels.arithmetic import ACTIVITY, ONE, PREDICTION, round_activity, round_state
from pcsim.engine.kernels.layout import layer_flat, layer_units, layer_weights
from pcsim.engine.kernels.optimisers import optimise
from pcsim.engine.kernels.rounded_products import (
    narrow_gradient,
    product_forward,
    product_of_samples,
    turned,
)
from pcsim.engine.kernels.rounded_weights import write_weights


@inner
def add_bias(shape, weights, layer, p):
    """p += b_layer, for (units, samples)."""
    bias = weights[shape.bias_at[layer] : shape.bias_at[layer + 1]]
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            p[i, j] += bias[i]


@inner
def scale_units(p, scale):
    """p *= scale, for (units, samples)."""
    scale = p.dtype.type(scale)
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            p[i, j] *= scale


@inner
def add_to(p, below):
    """p += below, flat."""
    for i in range(p.size):
        p[i] += below[i]


@inner
def predict(shape, weights, layer, columns, z, a, u, numerics):
    """What layer, from 2 up, makes of the layer below: a_l (W_l phi(z_{l-1}) + b_l) + skip_l z_{l-1}, into ``u``."""
    out = layer_units(u, shape, layer, columns)
    below = layer_units(a, shape, layer - 1, columns)
    if numerics is None:
        np.dot(layer_weights(weights, shape, layer), below, out)
    else:
        product_forward(shape, layer, below, out, numerics)
    if shape.bias:
        add_bias(shape, weights, layer, out)
    if numerics is not None:
        scale_units(out, shape.scales[layer])
    if shape.skips[layer]:
        add_to(layer_flat(u, shape, layer, columns), layer_flat(z, shape, layer - 1, columns))
    if numerics is not None:
        round_state(layer_flat(u, shape, layer, columns), PREDICTION, layer, columns, numerics)


@inner
def predict_first(shape, weights, samples, p1, numerics):
    """Layer 1's prediction of (samples, input width)."""
    if numerics is None:
        np.dot(layer_weights(weights, shape, 1), samples.T, p1)
    else:
        product_of_samples(shape, samples, p1, numerics)
    if shape.bias:
        add_bias(shape, weights, 1, p1)
    if numerics is not None:
        scale_units(p1, shape.scales[1])
        round_state(p1.reshape(p1.size), PREDICTION, ONE, p1.shape[1], numerics)


@jit
def load_batch(shape, weights, data, rows, batch, p1, numerics):
    """Fill ``batch`` with the chosen rows of the data, and ``p1`` with layer 1's prediction."""
    for j in range(rows.size):
        row = rows[j]
        for i in range(data.samples.shape[1]):
            batch.x[j, i] = data.samples[row, i]
        for i in range(data.targets.shape[1]):
            batch.y[i, j] = data.targets[row, i]
    predict_first(shape, weights, batch.x, p1, numerics)


@inner
def take_columns(wide, begin, narrow):
    """narrow = wide[:, begin:...]; numba would compile the slice assignment for ten times longer.

    An index that might be negative, as begin + j to the compiler, is not vectorised: hence the row.
    """
    for i in range(narrow.shape[0]):
        row = wide[i, begin:]
        for j in range(narrow.shape[1]):
            narrow[i, j] = row[j]


@inner
def put_columns(narrow, wide, begin):
    """wide[:, begin:...] = narrow."""
    for i in range(narrow.shape[0]):
        row = wide[i, begin:]
        for j in range(narrow.shape[1]):
            row[j] = narrow[i, j]


@jit
def forward(shape, weights, columns, p, a, numerics):
    """Fill ``p`` and ``a`` = phi(p), (units x columns); ``p`` holds the prediction of layer 1 already.

    As with placement pre; with post, what is ``p`` here is u there and ``a`` is both z and p.
    """
    last = shape.widths.size - 1
    for layer in range(1, last):
        here = layer_flat(a, shape, layer, columns)
        activate(shape.activation, layer_flat(p, shape, layer, columns), here)
        if numerics is not None:
            round_activity(shape.activation, here, ACTIVITY, layer, columns, numerics)
        predict(shape, weights, layer + 1, columns, p, a, p, numerics)


@jit
def errors_times_inputs(shape, batch, layer, numerics):
    """d_l a_{l-1}^T over the whole batch, (out, in): minus the gradient of a W_l, times the batch size."""
    columns = batch.x.shape[0]
    size = shape.widths[layer] * shape.widths[layer - 1]
    product = batch.product[:size].reshape(shape.widths[layer], shape.widths[layer - 1])
    d = layer_units(batch.d, shape, layer, columns)
    if numerics is not None and numerics.narrow:
        inputs = batch.x
        if layer > 1:
            inputs = turned(layer_units(batch.a, shape, layer - 1, columns))
        narrow_gradient(d, inputs, product, layer, numerics)
        return product
    if layer == 1:
        np.dot(d, batch.x, product)
    else:
        np.dot(d, layer_units(batch.a, shape, layer - 1, columns).T, product)
    return product


@inner
def error_sums(shape, batch, layer, numerics):
    """The sums of d_l over the batch: minus the gradient of a b_l, times the batch size."""
    sums = batch.product[: shape.widths[layer]]
    d = layer_units(batch.d, shape, layer, batch.x.shape[0])
    if numerics is not None and numerics.narrow:
        ones = np.ones((d.shape[1], 1), d.dtype)
        layers = shape.widths.size - 1
        narrow_gradient(d, ones, sums.reshape(sums.size, 1), layers + layer, numerics)
        return sums
    for i in range(d.shape[0]):
        total = d[i, 0]
        for j in range(1, d.shape[1]):
            total += d[i, j]
        sums[i] = total
    return sums


@jit
def bias_gradient(shape, batch, layer, numerics):
    """``error_sums`` for callers in Python."""
    return error_sums(shape, batch, layer, numerics)


@jit
def step_weights(shape, parameters, batch, reached, update, factor, optimiser, numerics):
    """One optimiser step of every layer; ``factor`` times a product is a gradient.

    Only the top ``reached`` layers can have errors: the others' product is skipped, not their step.
    """
    for layer in range(1, shape.widths.size):
        scale = shape.scales[layer]
        begin, end = shape.weight_at[layer], shape.weight_at[layer + 1]
        idle = layer < shape.widths.size - reached
        if idle:
            for i in range(end - begin):
                batch.product[i] = 0.0
        else:
            errors_times_inputs(shape, batch, layer, numerics)
        optimise(
            optimiser,
            update,
            factor,
            scale,
            batch.product[: end - begin],
            parameters.weights[begin:end],
            parameters.first[begin:end],
            parameters.second[begin:end],
            layer,
            shape.widths[layer],
            numerics,
        )
        if shape.bias:
            begin, end = shape.bias_at[layer], shape.bias_at[layer + 1]
            optimise(
                optimiser,
                update,
                factor,
                scale,
                error_sums(shape, batch, layer, numerics),
                parameters.weights[begin:end],
                parameters.first[begin:end],
                parameters.second[begin:end],
                shape.widths.size - 1 + layer,
                ONE,
                numerics,
            )
    if numerics is not None:
        write_weights(shape, parameters.weights, update, numerics)


@jit
def outputs(shape, weights, samples, p, a, numerics):
    """The network's outputs for (samples, input width), as a view (output width, samples) into ``p``."""
    columns = samples.shape[0]
    last = shape.widths.size - 1
    predict_first(shape, weights, samples, layer_units(p, shape, 1, columns), numerics)
    forward(shape, weights, columns, p, a, numerics)
    return layer_units(p, shape, last, columns)
