"""The passes over the layers that rules share: forward through the network, and the step of all weights."""

from __future__ import annotations

import numpy as np

from pcsim.engine.kernels.activations import activate
from pcsim.engine.kernels.jit import jit
from pcsim.engine.kernels.layout import layer_flat, layer_units, layer_weights
from pcsim.engine.kernels.optimisers import optimise


@jit
def load_batch(shape, weights, data, rows, batch, p1):
    """Fill ``batch`` with the chosen rows of the data, and ``p1`` with layer 1's prediction."""
    for j in range(rows.size):
        row = rows[j]
        for i in range(data.samples.shape[1]):
            batch.x[j, i] = data.samples[row, i]
        for i in range(data.targets.shape[1]):
            batch.y[i, j] = data.targets[row, i]
    np.dot(layer_weights(weights, shape, 1), batch.x.T, p1)


@jit
def take_columns(wide, begin, narrow):
    """narrow = wide[:, begin:...]; numba would compile the slice assignment for ten times longer."""
    for i in range(narrow.shape[0]):
        for j in range(narrow.shape[1]):
            narrow[i, j] = wide[i, begin + j]


@jit
def put_columns(narrow, wide, begin):
    """wide[:, begin:...] = narrow."""
    for i in range(narrow.shape[0]):
        for j in range(narrow.shape[1]):
            wide[i, begin + j] = narrow[i, j]


@jit
def forward(shape, weights, columns, p, a):
    """Fill ``p`` and ``a`` = phi(p), (units x columns); ``p`` holds the prediction of layer 1 already."""
    last = shape.widths.size - 1
    for layer in range(1, last):
        here = layer_flat(a, shape, layer, columns)
        activate(shape.activation, layer_flat(p, shape, layer, columns), here)
        np.dot(
            layer_weights(weights, shape, layer + 1),
            here.reshape(shape.widths[layer], columns),
            layer_units(p, shape, layer + 1, columns),
        )


@jit
def errors_times_inputs(shape, batch, layer):
    """e_l a_{l-1}^T over the whole batch, (out, in): minus the gradient of W_l, times the batch size."""
    columns = batch.x.shape[0]
    size = shape.widths[layer] * shape.widths[layer - 1]
    product = batch.product[:size].reshape(shape.widths[layer], shape.widths[layer - 1])
    e = layer_units(batch.e, shape, layer, columns)
    if layer == 1:
        np.dot(e, batch.x, product)
    else:
        np.dot(e, layer_units(batch.a, shape, layer - 1, columns).T, product)
    return product


@jit
def step_weights(shape, parameters, batch, reached, update, optimiser):
    """One optimiser step of every layer.

    Only the top ``reached`` layers can have errors: the others' product is skipped, not their step.
    """
    columns = batch.x.shape[0]
    for layer in range(1, shape.widths.size):
        begin, end = shape.weight_at[layer], shape.weight_at[layer + 1]
        if layer < shape.widths.size - reached:
            for i in range(end - begin):
                batch.product[i] = 0.0
        else:
            errors_times_inputs(shape, batch, layer)
        optimise(
            optimiser,
            update,
            columns,
            batch.product[: end - begin],
            parameters.weights[begin:end],
            parameters.first[begin:end],
            parameters.second[begin:end],
        )


@jit
def outputs(shape, weights, samples, p, a):
    """The network's outputs for (samples, input width), as a view (output width, samples) into ``p``."""
    columns = samples.shape[0]
    last = shape.widths.size - 1
    np.dot(layer_weights(weights, shape, 1), samples.T, layer_units(p, shape, 1, columns))
    forward(shape, weights, columns, p, a)
    return layer_units(p, shape, last, columns)
