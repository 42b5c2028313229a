"""Predictive coding whose predictions and Jacobians stay what the feed-forward pass made them.

fpa: the states move as in jacobi, but e_l = z_l - p_l and phi'(z_l) keep the feed-forward p_l and z_l;
with rate 1 and L - 1 steps the errors are backpropagation's. z_il: rate 1, step t moves z_{L-1-t}
alone, W_{L-t} learns from the errors after t steps. When its turn comes, a layer still has its
feed-forward state and the weights above their old values, so that this, too, is backpropagation;
skips span one layer and change nothing of that. The weights of all layers are stepped at the end,
which gives the same bits as one after the other.
"""

from __future__ import annotations

from pcsim.compiled.jit import jit
from pcsim.engine.kernels.activations import times_derivative
from pcsim.engine.kernels.arithmetic import (
    ERROR,
    READ_ERROR,
    STATE,
    STEEP_PULL,
    round_error,
    round_state,
    round_steep,
)
from pcsim.engine.kernels.layout import layer_flat
from pcsim.engine.kernels.predictive_coding import pull_from_above


@jit
def relax_fixed(shape, weights, block, columns, inference, one_by_one, numerics):
    """The inference steps after ``inference.done``; ``one_by_one`` moves one layer a step."""
    last = shape.widths.size - 1
    rate = block.z.dtype.type(inference.rate)
    for step in range(inference.done, inference.done + inference.steps):
        if numerics is not None:
            numerics.clock[1] = step + 1
        front = max(1, last - 1 - step)
        lowest = front if inference.wavefront or one_by_one else 1
        for layer in range(lowest, front + 1 if one_by_one else last):
            pull = pull_from_above(shape, weights, block, layer, columns, numerics)
            p = layer_flat(block.p, shape, layer, columns)
            z = layer_flat(block.z, shape, layer, columns)
            e = layer_flat(block.e, shape, layer, columns)
            times_derivative(
                shape.on_states, pull, p, layer_flat(block.a, shape, layer, columns), pull
            )
            if numerics is None:
                for i in range(e.size):
                    z[i] -= rate * (e[i] - pull[i])
                    e[i] = z[i] - p[i]
            else:
                round_steep(shape.on_states, pull, STEEP_PULL, layer, columns, numerics)
                for i in range(e.size):
                    z[i] -= rate * (e[i] - pull[i])
                round_state(z, STATE, layer, columns, numerics)
                for i in range(e.size):
                    e[i] = z[i] - p[i]
                round_error(e, ERROR, layer, columns, numerics)
            if shape.post:
                u = layer_flat(block.u, shape, layer, columns)
                d = layer_flat(block.d, shape, layer, columns)
                times_derivative(shape.activation, e, u, p, d)
                if numerics is not None:
                    round_steep(shape.activation, d, READ_ERROR, layer, columns, numerics)
