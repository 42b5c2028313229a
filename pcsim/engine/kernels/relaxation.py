"""How else may states relax: in other orders, by other steps, with messages only where something changed?

Orders. jacobi: all layers at once; gauss_seidel: from the top down, each layer with its neighbours'
newest values; red_black: first the odd layers, then the even ones. In the last two a layer's move is
followed by the new error of the layer above, so that every layer always meets consistent errors.

Steps along the gradient g. gd: z -= rate g; momentum: m = mu m + g, z -= rate m; adam as for weights.

Messages. With a threshold above 0, a layer hears of a neighbour's value only when that has changed
by more than the threshold since it was last heard; predictions and pulls are made of what was heard.

The wavefront of jacobi climbs one layer a step, that of red_black two, that of gauss_seidel has
reached every layer in the first sweep.
"""

from __future__ import annotations

import math

from pcsim.compiled.jit import inner, jit
from pcsim.engine.kernels.activations import (
    activate,
    inference_step,
    settle_activity,
    times_derivative,
)
from pcsim.engine.kernels.arithmetic import (
    ERROR_BELOW,
    OUTCOME,
    READ_ERROR,
    READ_ERROR_BELOW,
    STATE,
    STATE_FIRST,
    STATE_SECOND,
    STEEP_PULL,
    TARGET,
    ZERO,
    key_now,
    round_activity,
    round_error,
    round_state,
    round_steep,
)
from pcsim.engine.kernels.layout import GAUSS_SEIDEL, GD, JACOBI, MOMENTUM, layer_flat
from pcsim.engine.kernels.passes import predict
from pcsim.engine.kernels.predictive_coding import meet_target, pull_from_above, total_energy
from pcsim.engine.numerics.quantise import quantise


@jit
def relax_otherwise(shape, weights, block, heard, motion, columns, inference, descent, numerics):
    """The inference steps after ``inference.done``; returns how many were made before F settled.

    ``heard`` is the block with a, z and d as the neighbours know them: the block itself where there
    is no threshold.
    """
    last = shape.widths.size - 1
    energy = total_energy(shape, block, columns) if descent.tolerance > 0.0 else 0.0
    for step in range(inference.done, inference.done + inference.steps):
        if numerics is not None:
            numerics.clock[1] = step + 1
        if descent.order == JACOBI:
            lowest = max(1, last - 1 - step) if inference.wavefront else 1
            for layer in range(lowest, last + 1):
                if layer > lowest:
                    repredict(
                        shape, weights, block, heard, motion, layer, columns, descent, numerics
                    )
                if layer < last:
                    move(
                        shape,
                        weights,
                        block,
                        heard,
                        motion,
                        layer,
                        columns,
                        inference,
                        descent,
                        step,
                        numerics,
                    )
        elif descent.order == GAUSS_SEIDEL:
            for layer in range(last - 1, 0, -1):
                sweep(
                    shape,
                    weights,
                    block,
                    heard,
                    motion,
                    layer,
                    columns,
                    inference,
                    descent,
                    step,
                    numerics,
                )
        else:
            for half in range(2):
                lowest = 1
                if inference.wavefront:
                    lowest = max(1, last - 2 * step - half - (last - 1) % 2)
                for layer in range(lowest, last):
                    if layer % 2 != half:
                        sweep(
                            shape,
                            weights,
                            block,
                            heard,
                            motion,
                            layer,
                            columns,
                            inference,
                            descent,
                            step,
                            numerics,
                        )
        if descent.tolerance > 0.0:
            before, energy = energy, total_energy(shape, block, columns)
            if not before - energy > descent.tolerance * before:
                return step + 1 - inference.done
    return inference.steps


@inner
def sweep(shape, weights, block, heard, motion, layer, columns, inference, descent, step, numerics):
    """Move one layer and bring the error above it up to date."""
    move(shape, weights, block, heard, motion, layer, columns, inference, descent, step, numerics)
    repredict(shape, weights, block, heard, motion, layer + 1, columns, descent, numerics)
    if layer + 1 < shape.widths.size - 1:
        z = layer_flat(block.z, shape, layer + 1, columns)
        p = layer_flat(block.p, shape, layer + 1, columns)
        e = layer_flat(block.e, shape, layer + 1, columns)
        for i in range(e.size):
            e[i] = z[i] - p[i]
        if numerics is not None:
            round_error(e, ERROR_BELOW, layer + 1, columns, numerics)
        read_error(shape, block, layer + 1, columns, READ_ERROR_BELOW, numerics)


@inner
def repredict(shape, weights, block, heard, motion, layer, columns, descent, numerics):
    """u and p of a layer from what it hears from below; at the output the error, too."""
    if descent.threshold > 0.0:
        key, known = block.a, heard.a
        if shape.skips[layer]:
            key, known = block.z, heard.z
        motion.sent[0, layer - 1] += send(
            block.z.dtype.type(descent.threshold),
            layer_flat(key, shape, layer - 1, columns),
            layer_flat(known, shape, layer - 1, columns),
            layer_flat(block.a, shape, layer - 1, columns),
            layer_flat(heard.a, shape, layer - 1, columns),
            layer_flat(block.z, shape, layer - 1, columns),
            layer_flat(heard.z, shape, layer - 1, columns),
        )
    predict(shape, weights, layer, columns, heard.z, heard.a, block.u, numerics)
    if layer == shape.widths.size - 1:
        meet_target(shape, block, columns, numerics)
    elif shape.post:
        p = layer_flat(block.p, shape, layer, columns)
        activate(shape.activation, layer_flat(block.u, shape, layer, columns), p)
        if numerics is not None:
            round_activity(shape.activation, p, OUTCOME, layer, columns, numerics)


@inner
def send(threshold, key, known, a, heard_a, z, heard_z):
    """Tell of each element whose ``key`` has moved by more than the threshold from what is known; how many."""
    count = 0
    for i in range(key.size):
        if abs(key[i] - known[i]) > threshold:
            heard_a[i] = a[i]
            heard_z[i] = z[i]
            count += 1
    return count


@inner
def move(shape, weights, block, heard, motion, layer, columns, inference, descent, step, numerics):
    """One step of a layer's states, and its error and activity after it."""
    if descent.threshold > 0.0:
        d = layer_flat(block.d, shape, layer + 1, columns)
        known = layer_flat(heard.d, shape, layer + 1, columns)
        threshold = block.z.dtype.type(descent.threshold)
        motion.sent[1, layer + 1] += send(threshold, d, known, d, known, d, known)
    pull = pull_from_above(shape, weights, heard, layer, columns, numerics)
    p = layer_flat(block.p, shape, layer, columns)
    z = layer_flat(block.z, shape, layer, columns)
    a = layer_flat(block.a, shape, layer, columns)
    e = layer_flat(block.e, shape, layer, columns)
    if descent.kind == GD:
        rate = z.dtype.type(inference.rate)
        inference_step(shape.on_states, rate, pull, p, z, a, e, layer, columns, numerics)
    else:
        times_derivative(shape.on_states, pull, z, a, pull)
        if numerics is not None:
            round_steep(shape.on_states, pull, STEEP_PULL, layer, columns, numerics)
        for i in range(e.size):
            pull[i] = e[i] - pull[i]
        descend(
            descent,
            inference.rate,
            step + 1,
            pull,
            layer_flat(motion.first, shape, layer, columns),
            layer_flat(motion.second, shape, layer, columns),
            z,
            layer,
            columns,
            numerics,
        )
        if numerics is None:
            activate(shape.on_states, z, a)
            for i in range(e.size):
                e[i] = z[i] - p[i]
        else:
            round_state(z, STATE, layer, columns, numerics)
            settle_activity(shape.on_states, p, z, a, e, layer, columns, numerics)
    read_error(shape, block, layer, columns, READ_ERROR, numerics)


@inner
def read_error(shape, block, layer, columns, tensor, numerics):
    """d of a hidden layer from its e."""
    if shape.post:
        d = layer_flat(block.d, shape, layer, columns)
        times_derivative(
            shape.activation,
            layer_flat(block.e, shape, layer, columns),
            layer_flat(block.u, shape, layer, columns),
            layer_flat(block.p, shape, layer, columns),
            d,
        )
        if numerics is not None:
            round_steep(shape.activation, d, tensor, layer, columns, numerics)


@inner
def descend(descent, rate, step, slope, first, second, z, layer, columns, numerics):
    """z follows ``slope`` by momentum or Adam; ``step`` counts from 1 in each batch."""
    real = z.dtype.type
    size = real(rate)
    if descent.kind == MOMENTUM:
        keep = real(descent.momentum)
        for i in range(z.size):
            first[i] = slope[i] + keep * first[i]
            if numerics is None:
                z[i] -= size * first[i]
        if numerics is not None:
            round_moments(first, STATE_FIRST, layer, columns, numerics)
            for i in range(z.size):
                z[i] -= size * first[i]
    else:
        keep1, add1 = real(0.9), real(1.0 - 0.9)
        keep2, add2 = real(0.999), real(1.0 - 0.999)
        unbias1 = real(1.0 / (1.0 - 0.9**step))
        unbias2 = real(1.0 / (1.0 - 0.999**step))
        epsilon = real(1e-8)
        for i in range(z.size):
            g = slope[i]
            first[i] = keep1 * first[i] + add1 * g
            second[i] = keep2 * second[i] + add2 * (g * g)
            if numerics is None:
                z[i] -= size * (first[i] * unbias1) / (math.sqrt(second[i] * unbias2) + epsilon)
        if numerics is not None:
            round_moments(first, STATE_FIRST, layer, columns, numerics)
            round_moments(second, STATE_SECOND, layer, columns, numerics)
            for i in range(z.size):
                z[i] -= size * (first[i] * unbias1) / (math.sqrt(second[i] * unbias2) + epsilon)


@inner
def round_moments(values, tensor, layer, columns, numerics):
    """Flat (width x columns) moments of states, in the format of all moments."""
    quantise(values, numerics.optimiser, key_now(numerics, tensor, layer), ZERO, columns)


@jit
def nudge(shape, block, columns, beta, numerics):
    """Move the target from the output u to u - beta (u - y), at the feed-forward state."""
    last = shape.widths.size - 1
    u = layer_flat(block.u, shape, last, columns)
    beta = u.dtype.type(beta)
    for i in range(u.size):
        block.y[i] = u[i] - beta * (u[i] - block.y[i])
    if numerics is not None:
        round_state(block.y[: u.size], TARGET, last, columns, numerics)
    meet_target(shape, block, columns, numerics)
