"""Rounding and products of arrays that lie sample by sample, (samples, values), with the bits of (values, samples).

A chain's kernels hold (units, samples). The random bits of an element, the order of BLAS and of a narrow
accumulator are those of that layout here, too, so that a chain gives the same whichever way it is computed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pcsim.compiled.jit import inner, jit
from pcsim.engine.kernels.arithmetic import ONE, ZERO, round_rows
from pcsim.engine.kernels.optimisers import optimise
from pcsim.engine.kernels.rounded_products import turned
from pcsim.engine.numerics.analog import add_read_noise, convert_sums
from pcsim.engine.numerics.coding import BLOCK
from pcsim.engine.numerics.grids import largest_of
from pcsim.engine.numerics.products import narrow_product
from pcsim.engine.numerics.quantise import quantise
from pcsim.engine.numerics.random_bits import add_normals, word


class Cells(NamedTuple):
    """How one product is read from analog cells; of others ``analog`` is False."""

    analog: bool
    deviation: float
    bits: int
    key: np.uint64


@inner
def read_cells(sums, inputs, cells, narrow, accumulator, key):
    """``sums`` = W ``inputs``, (outputs, columns), with noise, converted and rounded to the accumulator."""
    add_read_noise(sums, inputs, cells.deviation, cells.key)
    flat = sums.reshape(sums.size)
    convert_sums(flat, cells.bits)
    if narrow:
        quantise(flat, accumulator, key, ZERO, sums.shape[1])


@jit
def columns_forward(weights, columns, out, cells, narrow, accumulator, key):
    """out (outputs, n) = W columns (inputs, n), read from analog cells."""
    np.dot(weights, columns, out)
    read_cells(out, columns, cells, narrow, accumulator, key)


@jit
def columns_backward(weights, errors, out, cells, narrow, accumulator, key):
    """out (inputs, n) = W^T errors (outputs, n), read from analog cells."""
    np.dot(weights.T, errors, out)
    read_cells(out, errors, cells, narrow, accumulator, key)


@jit
def write_cells(cells, share, key):
    """Each of the flat ``cells`` is off by what writing does: so large a share of the largest of them."""
    add_normals(cells, share * largest_of(cells), key, ZERO)


@jit
def look_at_cells(cells, seen, share, key):
    """What is ``seen`` of flat ``cells`` from the other side, where that differs; returns the largest of them."""
    largest = largest_of(cells)
    if share > 0.0:
        for i in range(cells.size):
            seen[i] = cells[i]
        add_normals(seen, share * largest, key, ZERO)
    return largest


@jit
def round_samples(values, code, key):
    """Round (samples, values) in place; blocks run over the values of one sample, which begins one of its own."""
    samples = values.shape[0]
    if code.stochastic:
        wide = turned(values)
        quantise(wide.reshape(wide.size), code, key, ZERO, samples)
        lay_back(wide, values)
    elif code.kind == BLOCK:
        for j in range(samples):
            quantise(values[j], code, key, ZERO, ONE)
    else:
        quantise(values.reshape(values.size), code, key, ZERO, ONE)


@inner
def lay_back(wide, out):
    """out (n, m) = wide (m, n) transposed."""
    for i in range(wide.shape[0]):
        for j in range(wide.shape[1]):
            out[j, i] = wide[i, j]


@jit
def rows_forward(weights, rows, out, direct, cells, narrow, accumulator, key):
    """out (n, outputs) = rows (n, inputs) W^T; ``direct`` as of the input, whose samples chains read as they lie."""
    wide = np.empty((weights.shape[0], rows.shape[0]), out.dtype)
    if narrow and not cells.analog:
        narrow_product(weights, turned(rows), wide, accumulator, key, ONE)
    elif direct:
        np.dot(weights, rows.T, wide)
    else:
        np.dot(weights, turned(rows), wide)
    if cells.analog:
        read_cells(wide, turned(rows), cells, narrow, accumulator, key)
    lay_back(wide, out)


@jit
def rows_backward(weights, errors, out, cells, narrow, accumulator, key):
    """out (n, inputs) = errors (n, outputs) W."""
    wide = np.empty((weights.shape[1], errors.shape[0]), out.dtype)
    if narrow and not cells.analog:
        narrow_product(turned(weights), turned(errors), wide, accumulator, key, ONE)
    else:
        np.dot(weights.T, turned(errors), wide)
    if cells.analog:
        read_cells(wide, turned(errors), cells, narrow, accumulator, key)
    lay_back(wide, out)


@jit
def rows_gradient(errors, rows, product, direct, narrow, accumulator, key):
    """product (outputs, inputs) = errors^T rows."""
    if narrow:
        narrow_product(turned(errors), rows, product, accumulator, key, ONE)
    elif direct:
        np.dot(turned(errors), rows, product)
    else:
        np.dot(turned(errors), turned(rows).T, product)


@jit
def sum_of_columns(errors, sums, narrow, accumulator, key):
    """sums (outputs,) of errors (outputs, n), one after the other."""
    if narrow:
        ones = np.ones((errors.shape[1], 1), errors.dtype)
        narrow_product(errors, ones, sums.reshape(sums.size, 1), accumulator, key, ONE)
    else:
        for i in range(errors.shape[0]):
            total = errors[i, 0]
            for j in range(1, errors.shape[1]):
                total += errors[i, j]
            sums[i] = total


@jit
def narrow_products(a, b, out, accumulator, key):
    """out[i] = a[i] b[i] of (n, ...) matrices, each with random bits of its own."""
    for i in range(a.shape[0]):
        narrow_product(a[i], b[i], out[i], accumulator, word(key, i), ONE)


@jit
def round_parameter(values, rows, code, key):
    """Round a flat parameter of so many rows in place."""
    round_rows(values, rows, code, key)


@jit
def step_parameter(
    optimiser, update, factor, scale, product, weights, first, second, number, rows, numerics
):
    """The step of one flat parameter, ``number`` in the place of a layer."""
    optimise(
        optimiser,
        update,
        factor,
        scale,
        product,
        weights,
        first,
        second,
        number,
        rows,
        numerics,
    )
