"""What do products read of the weights that the optimiser steps? A rounded copy, or what analog cells hold.

With a master there is a digital copy, from which all cells are written anew after every step. Without, the
cells hold the only copy, so that errors of writing become part of the weights and add up. Biases are digital.
"""

from __future__ import annotations

from pcsim.compiled.jit import inner, jit
from pcsim.engine.kernels.arithmetic import ONE, READ, ZERO, key_learning, round_rows
from pcsim.engine.numerics.grids import largest_of
from pcsim.engine.numerics.random_bits import add_normals, stream


@inner
def copy_flat(source, target):
    """target = source."""
    for i in range(source.size):
        target[i] = source[i]


@jit
def write_weights(shape, weights, count, numerics):
    """Put ``weights``, after the ``count``-th step, where products read them."""
    layers = shape.widths.size - 1
    for layer in range(1, layers + 1):
        begin, end = shape.weight_at[layer], shape.weight_at[layer + 1]
        cells = numerics.read[begin:end]
        if numerics.copied:
            copy_flat(weights[begin:end], cells)
            key = key_learning(numerics, READ, layer, count)
            round_rows(cells, shape.widths[layer], numerics.weight, key)
        if numerics.analog:
            deviation = numerics.write_noise * largest_of(cells)
            add_normals(cells, deviation, stream(numerics.write_seed, layer, count), ZERO)
        if shape.bias and numerics.copied:
            begin, end = shape.bias_at[layer], shape.bias_at[layer + 1]
            copy_flat(weights[begin:end], numerics.read[begin:end])
            key = key_learning(numerics, READ, layers + layer, count)
            round_rows(numerics.read[begin:end], ONE, numerics.weight, key)
    look_transposed(shape, numerics)


@jit
def look_transposed(shape, numerics):
    """What W^T sees of the cells, and their largest weight, from what is written."""
    if not numerics.analog:
        return
    for layer in range(1, shape.widths.size):
        begin, end = shape.weight_at[layer], shape.weight_at[layer + 1]
        cells = numerics.read[begin:end]
        numerics.largest[layer] = largest_of(cells)
        if numerics.mismatch > 0.0:
            seen = numerics.transposed[begin:end]
            copy_flat(cells, seen)
            deviation = numerics.mismatch * numerics.largest[layer]
            add_normals(seen, deviation, stream(numerics.mismatch_seed, layer, ZERO), ZERO)
