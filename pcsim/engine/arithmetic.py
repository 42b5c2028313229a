"""In which arithmetic does a candidate train? What its number formats and analog errors are to the kernels.

Importing this module imports numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.kernels.arithmetic import (
    INPUT,
    LEARNING,
    TARGET,
    TENSORS,
    UPDATED,
    Arithmetic,
    moment,
)
from pcsim.engine.kernels.layout import shape_of
from pcsim.engine.kernels.rounded_weights import look_transposed, write_weights
from pcsim.engine.network import DenseNetwork, Weights
from pcsim.engine.numerics.analog import MISMATCH, READ, WRITE, seed_of
from pcsim.engine.numerics.coding import EXACT, code_of
from pcsim.engine.numerics.quantise import quantised
from pcsim.formats import INT32, Format, parse_format

if TYPE_CHECKING:
    from pcsim.config import Numerics

_ALL_BITS = (1 << 64) - 1


def new_arithmetic(
    numerics: Numerics | None, network: DenseNetwork, weights: np.ndarray, *, seed: int
) -> Arithmetic | None:
    """Around the flat ``weights`` of the optimiser, which are rounded and written; None where nothing is rounded."""
    if numerics is None:
        return None
    made = arithmetic_of(numerics, network.dtype, weights, seed=seed, layers=network.layers)
    write_weights(shape_of(network), weights, 0, made)
    return made


def arithmetic_of(
    numerics: Numerics, dtype: str, weights: np.ndarray, *, seed: int, layers: int
) -> Arithmetic:
    """``numerics`` around flat ``weights`` of so many layers, of which nothing is written yet."""
    formats, analog = numerics.formats, numerics.analog
    accumulate = code_of(_sums_of(formats.accumulate, dtype), dtype)
    copied = formats.master is not None
    read = weights.copy() if copied else weights
    mismatch = analog.mismatch if analog else 0.0
    return Arithmetic(
        weight=code_of(formats.weight, dtype),
        updated=code_of(formats.updated, dtype),
        state=code_of(formats.state, dtype),
        error=code_of(formats.error, dtype),
        accumulate=accumulate,
        optimiser=code_of(formats.optimiser, dtype),
        narrow=accumulate.kind != EXACT,
        copied=copied,
        read=read,
        transposed=read.copy() if mismatch > 0 else read,
        seed=_unsigned(seed),
        clock=np.zeros(2, np.int64),
        analog=analog is not None,
        read_noise=float(analog.read_noise) if analog else 0.0,
        write_noise=float(analog.write_noise) if analog else 0.0,
        mismatch=float(mismatch),
        adc_bits=analog.adc_bits if analog else 0,
        read_seed=_unsigned(seed_of(seed, READ)),
        write_seed=_unsigned(seed_of(seed, WRITE)),
        mismatch_seed=_unsigned(seed_of(seed, MISMATCH)),
        largest=np.zeros(layers + 1),
    )


def rewrite(
    arithmetic: Arithmetic, network: DenseNetwork, weights: np.ndarray, *, count: int
) -> None:
    """What products read after ``count`` steps, of ``weights`` that were kept then.

    Where they are held once, they are as they were written already.
    """
    shape = shape_of(network)
    if arithmetic.copied:
        write_weights(shape, weights, count, arithmetic)
    else:
        look_transposed(shape, arithmetic)


def rounded_weights(numerics: Numerics | None, weights: Weights, *, seed: int) -> Weights:
    """``weights`` as the optimiser holds them before its first step."""
    if numerics is None:
        return weights
    number, now = numerics.formats.updated, int(moment(0, LEARNING))
    return tuple(
        quantised(w, number, seed=seed, tensor=int(layer * TENSORS + UPDATED), update=now)
        for layer, w in enumerate(weights, 1)
    )


def rounded_data(
    numerics: Numerics | None, x: np.ndarray, y: np.ndarray, *, part: int
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of one part of a data set as the chip is given them, once for all seeds."""
    if numerics is None:
        return x, y
    number = numerics.formats.state
    return (
        quantised(x, number, tensor=int(INPUT), update=part),
        quantised(y, number, tensor=int(TARGET), update=part),
    )


def _sums_of(accumulate: Format, dtype: str) -> Format:
    """Integer sums are exact in a carrier that is wide enough, which is then as good as the accumulator."""
    names = {"float32": "fp32", "float64": "fp64"}
    return parse_format(names[dtype]) if accumulate == INT32 else accumulate


def _unsigned(seed: int) -> np.uint64:
    return np.uint64(seed & _ALL_BITS)
