"""Where does every array of a network lie? In flat buffers, so that one compilation serves all networks.

A tuple of matrices would be a new type, and seconds of compiling, for each depth. States are
feature-major, (units, samples): both products of an inference step then reach BLAS without a
transposed copy of W.

Predictive coding relaxes a batch in blocks of samples. Samples do not meet during inference, a
block stays in the nearest cache, and BLAS multiplies small matrices without packing them, about 1.5
times faster.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pcsim.engine.kernels.jit import inlined
from pcsim.engine.network import Network, Weights

LINEAR, TANH, RELU = 0, 1, 2
MSE, CROSS_ENTROPY = 0, 1
SGD, ADAM = 0, 1
_ACTIVATIONS = {"linear": LINEAR, "tanh": TANH, "relu": RELU}
_LOSSES = {"mse": MSE, "cross_entropy": CROSS_ENTROPY}
_OPTIMISERS = {"sgd": SGD, "adam": ADAM}
_SMALL_PRODUCT = 1_000_000  # multiply-adds up to which OpenBLAS takes its unpacked path
_SIMD_COLUMNS = 16


class Shape(NamedTuple):
    """What kernels know of a network. Entry l of the offsets is where layer l begins, in elements per sample."""

    widths: np.ndarray  # (L + 1,)
    weight_at: np.ndarray  # (L + 2,), layers 1..L
    unit_at: np.ndarray  # (L + 2,), layers 1..L
    activation: int
    loss: int


class Block(NamedTuple):
    """Scratch of one block of samples, all flat (units x columns)."""

    z: np.ndarray  # states
    a: np.ndarray  # phi(z)
    p: np.ndarray  # predictions
    e: np.ndarray  # errors
    pull: np.ndarray  # W^T e, of one layer at a time
    y: np.ndarray  # the output layer only


class Batch(NamedTuple):
    """What a weight update reads: the batch and, over all samples, activities and errors."""

    x: np.ndarray  # (samples, input width)
    y: np.ndarray  # (output width, samples)
    p1: np.ndarray  # (first width, samples): layer 1's prediction, which inference never changes
    a: np.ndarray  # flat (units x samples)
    e: np.ndarray  # flat (units x samples)
    product: np.ndarray  # flat, the largest layer's e a^T


class Parameters(NamedTuple):
    """Weights and Adam's moments, flat."""

    weights: np.ndarray
    first: np.ndarray
    second: np.ndarray


class Data(NamedTuple):
    """What is learned from."""

    samples: np.ndarray  # (samples, input width)
    targets: np.ndarray  # (samples, output width)


class Optimiser(NamedTuple):
    """How weights follow gradients."""

    kind: int
    rate: float


class Inference(NamedTuple):
    """How states relax."""

    columns: int  # samples of a block
    done: int  # steps since the feed-forward start, the wavefront's clock
    steps: int
    rate: float  # per sample
    wavefront: bool  # whether idle layers are skipped


def shape_of(network: Network) -> Shape:
    """The kernels' view of a network."""
    widths = np.array(network.widths, np.int64)
    sizes = widths[1:] * widths[:-1]
    weight_at = np.concatenate(([0, 0], np.cumsum(sizes))).astype(np.int64)
    unit_at = np.concatenate(([0, 0], np.cumsum(widths[1:]))).astype(np.int64)
    return Shape(
        widths, weight_at, unit_at, _ACTIVATIONS[network.activation], _LOSSES[network.loss]
    )


def block_columns(network: Network, samples: int) -> int:
    """Samples of a block: as many as keep a hidden product small, all of them where even 16 would not."""
    hidden = max(
        (a * b for a, b in zip(network.widths[1:-1], network.widths[2:], strict=True)), default=1
    )
    most = _SMALL_PRODUCT // hidden
    if most >= samples or most < _SIMD_COLUMNS:
        return samples
    parts = -(-samples // most)
    while (columns := -(-samples // parts // _SIMD_COLUMNS) * _SIMD_COLUMNS) > most:
        parts += 1
    return columns


def optimiser_of(kind: str, rate: float) -> Optimiser:
    """The kernels' view of an optimiser."""
    return Optimiser(_OPTIMISERS[kind], float(rate))


def new_block(network: Network, columns: int) -> Block:
    """Scratch for up to ``columns`` samples."""
    units = sum(network.widths[1:]) * columns
    widest = max(network.widths[1:]) * columns
    sizes = (units, units, units, units, widest, network.widths[-1] * columns)
    return Block(*(np.zeros(size, network.dtype) for size in sizes))


def new_batch(network: Network, samples: int) -> Batch:
    """Room for one batch."""
    widths, dtype = network.widths, network.dtype
    units = sum(widths[1:]) * samples
    largest = max(a * b for a, b in zip(widths[1:], widths[:-1], strict=True))
    return Batch(
        np.zeros((samples, widths[0]), dtype),
        np.zeros((widths[-1], samples), dtype),
        np.zeros((widths[1], samples), dtype),
        np.zeros(units, dtype),
        np.zeros(units, dtype),
        np.zeros(largest, dtype),
    )


def new_parameters(network: Network, weights: Weights) -> Parameters:
    """A flat copy of ``weights``, moments zero."""
    flat = np.concatenate([np.ravel(w) for w in weights]).astype(network.dtype)
    return Parameters(flat, np.zeros_like(flat), np.zeros_like(flat))


@inlined
def layer_weights(flat, shape, layer):
    """W_layer, (out, in), as a view."""
    return flat[shape.weight_at[layer] : shape.weight_at[layer + 1]].reshape(
        shape.widths[layer], shape.widths[layer - 1]
    )


@inlined
def layer_flat(buffer, shape, layer, columns):
    """One layer of a (units x columns) buffer, flat, as a view."""
    return buffer[shape.unit_at[layer] * columns : shape.unit_at[layer + 1] * columns]


@inlined
def layer_units(buffer, shape, layer, columns):
    """One layer of a (units x columns) buffer, (width, columns), as a view."""
    return buffer[shape.unit_at[layer] * columns : shape.unit_at[layer + 1] * columns].reshape(
        shape.widths[layer], columns
    )
