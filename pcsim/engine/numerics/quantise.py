"""What remains of these values in that format?"""

from __future__ import annotations

import numpy as np

from pcsim.compiled.jit import jit
from pcsim.engine.numerics.coding import EXACT, FIXED, FLOAT, INTEGER, Code, code_of
from pcsim.engine.numerics.floats import nearest_bf16, nearest_floats, stochastic_floats
from pcsim.engine.numerics.grids import scale_for, to_blocks, to_grid, to_grid_randomly
from pcsim.engine.numerics.random_bits import stream_key
from pcsim.formats import Format

_BF16_FRACTION, _BF16_LOW = 7, 2.0**-126


@jit
def quantise(values, code, key, first, stride):
    """Round flat, contiguous ``values`` in place to what ``code`` can hold; for compiled callers.

    ``key`` (a stream's, used by stochastic rounding only) and ``first``, the index of values[0] in its
    tensor, choose the random bits. ``stride`` is the distance of neighbours in a block: 1, or the columns
    of a (rows, columns) array whose blocks run down the rows. An integer format's one scale is that
    of ``values``.
    """
    if code.kind == EXACT:
        return
    if code.kind == FLOAT:
        if code.stochastic:
            stochastic_floats(values, code, key, first)
        elif code.fraction == _BF16_FRACTION and code.low == _BF16_LOW and values.itemsize == 4:
            nearest_bf16(values)
        else:
            nearest_floats(values, code)
    elif code.kind == FIXED or code.kind == INTEGER:
        quantum = code.quantum if code.kind == FIXED else scale_for(values, code)
        if code.stochastic:
            to_grid_randomly(values, quantum, code.lowest, code.highest, key, first)
        else:
            to_grid(values, quantum, code.lowest, code.highest)
    else:
        to_blocks(values, code, key, first, stride)


def quantised(
    values: np.ndarray,
    number: Format,
    *,
    axis: int = -1,
    seed: int = 0,
    tensor: int = 0,
    update: int = 0,
) -> np.ndarray:
    """A copy of ``values`` (float32 or float64), rounded to ``number``.

    Blocks run along ``axis``, each lane beginning a block of its own, the last one shorter where it has to be.
    (seed, tensor, update) choose the random bits of stochastic rounding, with each element's C-order index.

    Raises:
        ValueError: the dtype cannot hold all numbers of the format, or is neither of the two.
    """
    if values.dtype not in (np.float32, np.float64):
        raise ValueError(f"values must be float32 or float64, not {values.dtype}")
    code: Code = code_of(number, str(values.dtype))
    result = np.array(values, order="C")
    key = stream_key(seed, tensor, update)
    if number.kind != "block" or result.size == 0:
        quantise(result.reshape(-1), code, key, 0, 1)
        return result
    lanes = result.shape[axis]
    stride = int(np.prod(result.shape[axis % result.ndim + 1 :], dtype=np.int64))
    for slab, part in enumerate(result.reshape(-1, lanes * stride)):
        quantise(part, code, key, slab * lanes * stride, stride)
    return result


def scale_of(values: np.ndarray, number: Format) -> float:
    """The scale that an integer format gives this tensor: ``quantised(values) / scale_of(values)`` are its integers."""
    if number.kind != "integer":
        raise ValueError(f"only integer formats have a scale, not {number.name}")
    flat = np.ascontiguousarray(values).reshape(-1)
    return float(scale_for(flat, code_of(number, str(values.dtype))))
