"""Predictive coding over errors (epc): the e_l of the hidden layers are free, the states follow from them.

z_l = p_l(z_{l-1}) + e_l from e = 0, and F = 1/2 sum |e_l|^2 + loss(y, p_L) goes down along
dF/de_l = e_l - g_l, where g is what backpropagation brings from the output through z. A step is a
backward and a forward pass, one layer after the other. The equilibria are those of predictive coding.
"""

from __future__ import annotations

import numpy as np

from pcsim.engine.kernels.activations import activate, times_derivative
from pcsim.engine.kernels.jit import jit
from pcsim.engine.kernels.layout import layer_flat, layer_units, layer_weights
from pcsim.engine.kernels.passes import add_to, predict
from pcsim.engine.kernels.predictive_coding import meet_target


@jit
def relax_errors(shape, weights, block, back, columns, inference):
    """``inference.steps`` steps; ``back`` is room for what comes back, (units x columns)."""
    last = shape.widths.size - 1
    rate = block.z.dtype.type(inference.rate)
    for _ in range(inference.steps):
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
            np.dot(
                layer_weights(weights, shape, layer + 1).T,
                layer_units(back, shape, layer + 1, columns),
                here.reshape(shape.widths[layer], columns),
            )
            times_derivative(shape.on_states, here, z, a, here)
            if shape.skips[layer + 1]:
                add_to(here, layer_flat(back, shape, layer + 1, columns))
            for i in range(e.size):
                e[i] -= rate * (e[i] - here[i])
            if shape.post:
                u = layer_flat(block.u, shape, layer, columns)
                times_derivative(shape.activation, here, u, p, here)
        for layer in range(1, last):
            z = layer_flat(block.z, shape, layer, columns)
            p = layer_flat(block.p, shape, layer, columns)
            e = layer_flat(block.e, shape, layer, columns)
            u = layer_flat(block.u, shape, layer, columns)
            if layer > 1:
                predict(shape, weights, layer, columns, block.z, block.a, block.u)
            if shape.post:
                activate(shape.activation, u, p)
                times_derivative(
                    shape.activation, e, u, p, layer_flat(block.d, shape, layer, columns)
                )
            for i in range(e.size):
                z[i] = p[i] + e[i]
            activate(shape.on_states, z, layer_flat(block.a, shape, layer, columns))
        if last > 1:
            predict(shape, weights, last, columns, block.z, block.a, block.u)
        meet_target(shape, block, columns)
