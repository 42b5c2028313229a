"""The three products of a layer as narrow accumulators or analog cells would give them.

Where the accumulator is the carrier's own format, or int32 (whose sums the carrier holds exactly), BLAS
multiplies. Analog cells add up without rounding; their noise, the converter and one rounding to the
accumulator follow. Gradients are digital always.
"""

from __future__ import annotations

import numpy as np

from pcsim.compiled.jit import inner
from pcsim.engine.kernels.arithmetic import GRADIENT, ONE, SUMS, SUMS_BACK, ZERO, key_now, moment
from pcsim.engine.kernels.layout import layer_weights
from pcsim.engine.numerics.analog import add_read_noise, convert_sums
from pcsim.engine.numerics.products import narrow_product
from pcsim.engine.numerics.quantise import quantise
from pcsim.engine.numerics.random_bits import stream


@inner
def turned(matrix):
    """A transposed copy: one memory layout, one compilation of what reads it."""
    result = np.empty((matrix.shape[1], matrix.shape[0]), matrix.dtype)
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            result[j, i] = matrix[i, j]
    return result


@inner
def product_of_samples(shape, samples, out, numerics):
    """out = W_1 samples^T, of (samples, input width)."""
    weights = layer_weights(numerics.read, shape, 1)
    if numerics.analog:
        np.dot(weights, samples.T, out)
        as_read(out, turned(samples), SUMS, ONE, numerics)
    elif numerics.narrow:
        key = key_now(numerics, SUMS, ONE)
        narrow_product(weights, turned(samples), out, numerics.accumulate, key, ONE)
    else:
        np.dot(weights, samples.T, out)


@inner
def product_forward(shape, layer, below, out, numerics):
    """out = W_layer below, of (width, samples)."""
    weights = layer_weights(numerics.read, shape, layer)
    if numerics.narrow and not numerics.analog:
        key = key_now(numerics, SUMS, layer)
        narrow_product(weights, below, out, numerics.accumulate, key, ONE)
    else:
        np.dot(weights, below, out)
        if numerics.analog:
            as_read(out, below, SUMS, layer, numerics)


@inner
def product_backward(shape, layer, errors, out, numerics):
    """out = a W_layer^T errors, of (width, samples); the scale a after the product."""
    weights = layer_weights(numerics.transposed, shape, layer)
    if numerics.narrow and not numerics.analog:
        key = key_now(numerics, SUMS_BACK, layer)
        narrow_product(turned(weights), errors, out, numerics.accumulate, key, ONE)
    else:
        np.dot(weights.T, errors, out)
        if numerics.analog:
            as_read(out, errors, SUMS_BACK, layer, numerics)
    scale = out.dtype.type(shape.scales[layer])
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] *= scale


@inner
def narrow_gradient(errors, inputs, product, layer, numerics):
    """product = errors inputs, (out, samples) by (samples, in), in a narrow accumulator."""
    key = key_now(numerics, GRADIENT, layer)
    narrow_product(errors, inputs, product, numerics.accumulate, key, ONE)


@inner
def as_read(sums, inputs, tensor, layer, numerics):
    """``sums`` = W ``inputs`` with noise, converted and rounded to the accumulator."""
    reading = 2 * moment(numerics.clock[0], numerics.clock[1]) + np.int64(tensor == SUMS_BACK)
    deviation = numerics.read_noise * numerics.largest[layer]
    add_read_noise(sums, inputs, deviation, stream(numerics.read_seed, layer, reading))
    flat = sums.reshape(sums.size)
    convert_sums(flat, numerics.adc_bits)
    if numerics.narrow:
        quantise(flat, numerics.accumulate, key_now(numerics, tensor, layer), ZERO, sums.shape[1])
