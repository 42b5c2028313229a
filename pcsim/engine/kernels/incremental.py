"""Incremental predictive coding (ipc): states and weights step together, each time from the same state."""

from __future__ import annotations

from pcsim.compiled.jit import jit
from pcsim.engine.kernels.activations import activate, inference_step, times_derivative
from pcsim.engine.kernels.arithmetic import (
    ERROR_BELOW,
    OUTCOME,
    READ_ERROR,
    round_activity,
    round_error,
    round_steep,
)
from pcsim.engine.kernels.layout import layer_flat, layer_units
from pcsim.engine.kernels.passes import predict, predict_first
from pcsim.engine.kernels.predictive_coding import meet_target, pull_from_above


@jit
def move_states(shape, weights, block, columns, inference, numerics):
    """One jacobi step of all states; predictions and errors are left to ``predict_again``."""
    if numerics is not None:
        numerics.clock[1] = inference.done + 1
    rate = block.z.dtype.type(inference.rate)
    for layer in range(1, shape.widths.size - 1):
        # Upwards: the pull on a layer reads the error above before that is touched.
        inference_step(
            shape.on_states,
            rate,
            pull_from_above(shape, weights, block, layer, columns, numerics),
            layer_flat(block.p, shape, layer, columns),
            layer_flat(block.z, shape, layer, columns),
            layer_flat(block.a, shape, layer, columns),
            layer_flat(block.e, shape, layer, columns),
            layer,
            columns,
            numerics,
        )


@jit
def predict_again(shape, weights, samples, block, columns, numerics):
    """All predictions and errors of the present states by the present weights."""
    last = shape.widths.size - 1
    predict_first(shape, weights, samples, layer_units(block.u, shape, 1, columns), numerics)
    for layer in range(1, last + 1):
        if layer > 1:
            predict(shape, weights, layer, columns, block.z, block.a, block.u, numerics)
        if layer == last:
            meet_target(shape, block, columns, numerics)
            continue
        u = layer_flat(block.u, shape, layer, columns)
        p = layer_flat(block.p, shape, layer, columns)
        z = layer_flat(block.z, shape, layer, columns)
        e = layer_flat(block.e, shape, layer, columns)
        if shape.post:
            activate(shape.activation, u, p)
            if numerics is not None:
                round_activity(shape.activation, p, OUTCOME, layer, columns, numerics)
        for i in range(e.size):
            e[i] = z[i] - p[i]
        if numerics is not None:
            round_error(e, ERROR_BELOW, layer, columns, numerics)
        if shape.post:
            d = layer_flat(block.d, shape, layer, columns)
            times_derivative(shape.activation, e, u, p, d)
            if numerics is not None:
                round_steep(shape.activation, d, READ_ERROR, layer, columns, numerics)
