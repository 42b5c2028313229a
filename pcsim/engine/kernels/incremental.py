"""Incremental predictive coding (ipc): states and weights step together, each time from the same state."""

from __future__ import annotations

from pcsim.engine.kernels.activations import activate, inference_step, times_derivative
from pcsim.engine.kernels.jit import jit
from pcsim.engine.kernels.layout import layer_flat, layer_units
from pcsim.engine.kernels.passes import predict, predict_first
from pcsim.engine.kernels.predictive_coding import meet_target, pull_from_above


@jit
def move_states(shape, weights, block, columns, inference):
    """One jacobi step of all states; predictions and errors are left to ``predict_again``."""
    rate = block.z.dtype.type(inference.rate)
    for layer in range(1, shape.widths.size - 1):
        # Upwards: the pull on a layer reads the error above before that is touched.
        inference_step(
            shape.on_states,
            rate,
            pull_from_above(shape, weights, block, layer, columns),
            layer_flat(block.p, shape, layer, columns),
            layer_flat(block.z, shape, layer, columns),
            layer_flat(block.a, shape, layer, columns),
            layer_flat(block.e, shape, layer, columns),
        )


@jit
def predict_again(shape, weights, samples, block, columns):
    """All predictions and errors of the present states by the present weights."""
    last = shape.widths.size - 1
    predict_first(shape, weights, samples, layer_units(block.u, shape, 1, columns))
    for layer in range(1, last + 1):
        if layer > 1:
            predict(shape, weights, layer, columns, block.z, block.a, block.u)
        if layer == last:
            meet_target(shape, block, columns)
            continue
        u = layer_flat(block.u, shape, layer, columns)
        p = layer_flat(block.p, shape, layer, columns)
        z = layer_flat(block.z, shape, layer, columns)
        e = layer_flat(block.e, shape, layer, columns)
        if shape.post:
            activate(shape.activation, u, p)
        for i in range(e.size):
            e[i] = z[i] - p[i]
        if shape.post:
            times_derivative(shape.activation, e, u, p, layer_flat(block.d, shape, layer, columns))
