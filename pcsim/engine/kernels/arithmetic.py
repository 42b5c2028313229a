"""In which numbers do kernels compute, when are values rounded to them, and by which random bits?

Kernels take an ``Arithmetic``, or None where everything is in the numbers of the dtype itself. numba removes
what is asked for by ``if numerics is not None`` from the code for None, so that both are one algorithm.

The random bits of a rounding follow from the seed, the layer, which of its values is rounded (the
constants below), and the moment: the update and the inference step. Nothing depends on what was computed before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pcsim.compiled.jit import inner, jit
from pcsim.engine.kernels.layout import LINEAR, RELU
from pcsim.engine.numerics.coding import BLOCK, Code
from pcsim.engine.numerics.quantise import quantise
from pcsim.engine.numerics.random_bits import stream

# Not Python's int, whose constants are types of their own to numba: a compilation for each.
ZERO, ONE = np.int64(0), np.int64(1)
TENSORS = np.int64(32)
INPUT, TARGET = np.int64(0), np.int64(1)
PREDICTION = np.int64(2)  # of a product with all that is added
OUTCOME = np.int64(3)  # phi of that (placement post)
STATE, ACTIVITY = np.int64(4), np.int64(5)
ERROR, ERROR_BELOW = np.int64(6), np.int64(7)  # after a step of the layer itself, of the one below
READ_ERROR, READ_ERROR_BELOW = np.int64(8), np.int64(9)  # times phi', likewise (placement post)
PULL = np.int64(10)  # a W^T d
STEEP_PULL, READ_PULL = np.int64(11), np.int64(12)  # times phi' of the state; of the prediction
SUMS, SUMS_BACK, GRADIENT = np.int64(13), np.int64(14), np.int64(15)
FIRST, SECOND = np.int64(16), np.int64(17)  # moments of weights
STATE_FIRST, STATE_SECOND = np.int64(18), np.int64(19)  # moments of states
UPDATED, READ = (
    np.int64(20),
    np.int64(21),
)  # weights after the optimiser's step; as products read them

LEARNING, EVALUATING = np.int64(-1), np.int64(-2)
"""In the place of an inference step, in what belongs to no step."""
_STEP_BITS = 20


class Arithmetic(NamedTuple):
    """The formats of values, and what products read of the weights, which are not scaled here.

    ``read`` is the array of the weights itself where these are held once, as is ``transposed``, through which
    W^T is read, where both see the same.
    """

    weight: Code
    updated: Code
    state: Code
    error: Code
    accumulate: Code
    optimiser: Code
    narrow: bool  # whether running sums are rounded, in the place of BLAS
    copied: bool  # whether ``read`` is a copy of the weights
    read: np.ndarray  # flat, W_1.. then b_1..
    transposed: np.ndarray
    seed: np.uint64
    clock: np.ndarray  # (2,): update and inference step, which the kernels set
    analog: bool
    read_noise: float  # deviations as shares of a layer's largest weight
    write_noise: float
    mismatch: float
    adc_bits: int
    read_seed: np.uint64
    write_seed: np.uint64
    mismatch_seed: np.uint64
    largest: np.ndarray  # (L + 1,): each layer's largest weight, as read


@jit
def moment(update, step):
    """One number for an update and a step, or LEARNING or EVALUATING, of it."""
    return (update << _STEP_BITS) + step + 2


@inner
def key_now(numerics, tensor, layer):
    """The random bits of what is rounded at this update and step."""
    now = moment(numerics.clock[0], numerics.clock[1])
    return stream(numerics.seed, layer * TENSORS + tensor, now)


@inner
def key_learning(numerics, tensor, layer, count):
    """The random bits of what is rounded in the ``count``-th step of the weights, from 1 on."""
    return stream(numerics.seed, layer * TENSORS + tensor, moment(count, LEARNING))


@inner
def round_state(values, tensor, layer, columns, numerics):
    """Flat (width x columns) inputs, targets, predictions, states or activities; blocks run over the width."""
    quantise(values, numerics.state, key_now(numerics, tensor, layer), ZERO, columns)


@inner
def round_activity(activation, values, tensor, layer, columns, numerics):
    """phi of states, where that is not one of the numbers of the states already."""
    if activation != RELU and activation != LINEAR:
        round_state(values, tensor, layer, columns, numerics)


@inner
def round_error(values, tensor, layer, columns, numerics):
    """Flat (width x columns) errors, or what comes back through weights."""
    quantise(values, numerics.error, key_now(numerics, tensor, layer), ZERO, columns)


@inner
def round_steep(activation, values, tensor, layer, columns, numerics):
    """Errors times phi', where that is not an error or 0."""
    if activation != RELU and activation != LINEAR:
        round_error(values, tensor, layer, columns, numerics)


@inner
def round_rows(values, rows, code, key):
    """Flat (rows x n) weights or moments; blocks run along a row, which begins one of its own."""
    if code.kind == BLOCK:
        n = values.size // rows
        for row in range(rows):
            quantise(values[row * n : (row + 1) * n], code, key, row * n, ONE)
    else:
        quantise(values, code, key, ZERO, ONE)
