"""Predictive coding over errors (epc): the e_l of the hidden layers are free, the states follow from them.

z_l = p_l(z_{l-1}) + e_l from e = 0, and F = 1/2 sum |e_l|^2 + loss(y, p_L) goes down along
dF/de_l = e_l - g_l, where g is what backpropagation brings from the output through z. A step is a
backward and a forward pass, one layer after the other. The equilibria are those of predictive coding.
"""

from __future__ import annotations

import numpy as np

from pcsim.compiled.jit import jit
from pcsim.engine.kernels.activations import activate, times_derivative
from pcsim.engine.kernels.arithmetic import (
    ACTIVITY,
    ERROR,
    OUTCOME,
    PULL,
    READ_ERROR,
    READ_PULL,
    STATE,
    STEEP_PULL,
    round_activity,
    round_error,
    round_state,
    round_steep,
)
from pcsim.engine.kernels.layout import layer_flat, layer_units, layer_weights
from pcsim.engine.kernels.passes import add_to, predict
from pcsim.engine.kernels.predictive_coding import meet_target
from pcsim.engine.kernels.rounded_products import product_backward


@jit
def relax_errors(shape, weights, block, back, columns, inference, numerics):
    """``inference.steps`` steps after ``inference.done``; ``back`` is room for what comes back, (units x columns)."""
    last = shape.widths.size - 1
    rate = block.z.dtype.type(inference.rate)
    for step in range(inference.done, inference.done + inference.steps):
        if numerics is not None:
            numerics.clock[1] = step + 1
        top = layer_flat(back, shape, last, columns)
        e = layer_flat(block.e, shape, last, columns)
        for i in range(top.size):
            top[i] = e[i]
        for layer in range(last - 1, 0, -1):
            z = layer_flat(block.z, shape, layer, columns)
            a = layer_flat(block.a, shape, layer, columns)
            p = layer_flat(block.p, shape, layer, columns)
            e = layer_flat(block.e, shape, layer, columns)
            here = layer_flat(back, shape, layer, columns)
            above = layer_units(back, shape, layer + 1, columns)
            out = here.reshape(shape.widths[layer], columns)
            if numerics is None:
                np.dot(layer_weights(weights, shape, layer + 1).T, above, out)
            else:
                product_backward(shape, layer + 1, above, out, numerics)
                round_error(here, PULL, layer, columns, numerics)
            times_derivative(shape.on_states, here, z, a, here)
            if shape.skips[layer + 1]:
                add_to(here, layer_flat(back, shape, layer + 1, columns))
            if numerics is not None:
                if shape.skips[layer + 1]:
                    round_error(here, STEEP_PULL, layer, columns, numerics)
                else:
                    round_steep(shape.on_states, here, STEEP_PULL, layer, columns, numerics)
            for i in range(e.size):
                e[i] -= rate * (e[i] - here[i])
            if numerics is not None:
                round_error(e, ERROR, layer, columns, numerics)
            if shape.post:
                u = layer_flat(block.u, shape, layer, columns)
                times_derivative(shape.activation, here, u, p, here)
                if numerics is not None:
                    round_steep(shape.activation, here, READ_PULL, layer, columns, numerics)
        for layer in range(1, last):
            z = layer_flat(block.z, shape, layer, columns)
            p = layer_flat(block.p, shape, layer, columns)
            e = layer_flat(block.e, shape, layer, columns)
            u = layer_flat(block.u, shape, layer, columns)
            if layer > 1:
                predict(shape, weights, layer, columns, block.z, block.a, block.u, numerics)
            if shape.post:
                activate(shape.activation, u, p)
                if numerics is not None:
                    round_activity(shape.activation, p, OUTCOME, layer, columns, numerics)
                d = layer_flat(block.d, shape, layer, columns)
                times_derivative(shape.activation, e, u, p, d)
                if numerics is not None:
                    round_steep(shape.activation, d, READ_ERROR, layer, columns, numerics)
            for i in range(e.size):
                z[i] = p[i] + e[i]
            a = layer_flat(block.a, shape, layer, columns)
            if numerics is not None:
                round_state(z, STATE, layer, columns, numerics)
            activate(shape.on_states, z, a)
            if numerics is not None:
                round_activity(shape.on_states, a, ACTIVITY, layer, columns, numerics)
        if last > 1:
            predict(shape, weights, last, columns, block.z, block.a, block.u, numerics)
        meet_target(shape, block, columns, numerics)
