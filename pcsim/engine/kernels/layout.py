"""Where does every array of a network lie? In flat buffers, so that one compilation serves all networks.

A tuple of matrices would be a new type, and seconds of compiling, for each depth. States are
feature-major, (units, samples): both products of an inference step then reach BLAS without a
transposed copy of W.

Predictive coding relaxes a batch in blocks of samples. Samples do not meet during inference, a
block stays in the nearest cache, and BLAS multiplies small matrices without packing them, about 1.5
times faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pcsim.compiled.jit import inlined
from pcsim.engine.network import DenseNetwork, Weights

if TYPE_CHECKING:
    from pcsim.config import OptimiserSettings

LINEAR, TANH, RELU, LEAKY_RELU, GELU = 0, 1, 2, 3, 4
MSE, CROSS_ENTROPY = 0, 1
SGD, MOMENTUM, ADAM, ADAMW = 0, 1, 2, 3
CONSTANT, COSINE, STEP = 0, 1, 2
JACOBI, GAUSS_SEIDEL, RED_BLACK = 0, 1, 2
GD = 0  # beside MOMENTUM and ADAM, how states follow their gradient
_ACTIVATIONS = {
    "linear": LINEAR,
    "tanh": TANH,
    "relu": RELU,
    "leaky_relu": LEAKY_RELU,
    "gelu": GELU,
}
_LOSSES = {"mse": MSE, "cross_entropy": CROSS_ENTROPY}
_OPTIMISERS = {"sgd": SGD, "momentum": MOMENTUM, "adam": ADAM, "adamw": ADAMW}
_SCHEDULES = {"constant": CONSTANT, "cosine": COSINE, "step": STEP}
_ORDERS = {"jacobi": JACOBI, "gauss_seidel": GAUSS_SEIDEL, "red_black": RED_BLACK}
_DESCENTS = {"gd": GD, "momentum": MOMENTUM, "adam": ADAM}
_SMALL_PRODUCT = 1_000_000  # multiply-adds up to which OpenBLAS takes its unpacked path
_SIMD_COLUMNS = 16


class Shape(NamedTuple):
    """What kernels know of a network. Entry l of the offsets is where layer l begins, in elements per sample."""

    widths: np.ndarray  # (L + 1,)
    weight_at: np.ndarray  # (L + 2,), layers 1..L
    unit_at: np.ndarray  # (L + 2,), layers 1..L
    bias_at: np.ndarray  # (L + 2,), layers 1..L, behind all weights
    scales: np.ndarray  # (L + 1,), entry l is a_l
    skips: np.ndarray  # (L + 1,), whether p_l adds z_{l-1}
    activation: int  # phi
    on_states: int  # what is applied to a state before a product reads it: phi, or nothing (post)
    post: bool
    bias: bool
    loss: int


class Block(NamedTuple):
    """Scratch of one block of samples, all flat (units x columns).

    With placement pre, ``u`` is ``p`` and ``d`` is ``e``, the same memory.
    """

    z: np.ndarray  # states
    a: np.ndarray  # what products read of the states: phi(z), or z (post)
    u: np.ndarray  # what the products give: p, or that from which p = phi(u) comes (post)
    p: np.ndarray  # predictions
    e: np.ndarray  # errors z - p
    d: np.ndarray  # what products read of the errors: e, or e * phi'(u) (post)
    pull: np.ndarray  # W^T e, of one layer at a time
    y: np.ndarray  # the output layer only


class Batch(NamedTuple):
    """What a weight update reads: the batch and, over all samples, activities and errors."""

    x: np.ndarray  # (samples, input width)
    y: np.ndarray  # (output width, samples)
    p1: np.ndarray  # (first width, samples): layer 1's prediction, which inference never changes
    a: np.ndarray  # flat (units x samples), as in a block
    d: np.ndarray  # flat (units x samples), as in a block
    product: np.ndarray  # flat, the largest layer's e a^T


class Parameters(NamedTuple):
    """Weights, then biases, and the optimiser's moments, flat.

    The weights are a_l W_l and a_l b_l; in number formats of the hardware W_l and b_l, as that holds them.
    """

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
    momentum: float
    decay: float
    schedule: int
    updates: int  # steps of the weights in the whole training, over which a cosine falls
    every: int  # steps of the weights between falls of the rate
    factor: float  # of one step


class Inference(NamedTuple):
    """How states relax."""

    columns: int  # samples of a block
    done: int  # steps since the feed-forward start, the wavefront's clock
    steps: int
    rate: float  # per sample
    wavefront: bool  # whether idle layers are skipped


class Descent(NamedTuple):
    """How states relax otherwise than all at once by plain gradient descent."""

    order: int
    kind: int
    momentum: float
    tolerance: float  # relative fall of F below which a batch has settled; 0: never
    threshold: float  # change up to which a neighbour is not told; 0: always


class Motion(NamedTuple):
    """What that needs besides a block."""

    first: np.ndarray  # moments of the states, flat (units x columns)
    second: np.ndarray
    sent: np.ndarray  # (2, L + 1): elements of states, of errors that each layer told


def shape_of(network: DenseNetwork) -> Shape:
    """The kernels' view of a network."""
    widths = np.array(network.widths, np.int64)
    post = network.placement == "post"
    activation = _ACTIVATIONS[network.activation]
    weight_at = _offsets(widths[1:] * widths[:-1])
    return Shape(
        widths=widths,
        weight_at=weight_at,
        unit_at=_offsets(widths[1:]),
        bias_at=weight_at[-1] + _offsets(widths[1:]),
        scales=np.array([1.0, *network.scales]),
        skips=np.array([False, *network.skipped]),
        activation=activation,
        on_states=LINEAR if post else activation,
        post=post,
        bias=network.bias,
        loss=_LOSSES[network.loss],
    )


def _offsets(sizes: np.ndarray) -> np.ndarray:
    """Where layers 1..L begin, and behind them where the last one ends."""
    return np.concatenate(([0, 0], np.cumsum(sizes))).astype(np.int64)


def block_columns(network: DenseNetwork, samples: int) -> int:
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


def optimiser_of(optimiser: OptimiserSettings, *, updates: int, weight_steps: int) -> Optimiser:
    """The kernels' view of an optimiser, in a training of so many updates of so many steps each."""
    return Optimiser(
        kind=_OPTIMISERS[optimiser.kind],
        rate=float(optimiser.rate),
        momentum=float(optimiser.momentum),
        decay=float(optimiser.weight_decay) if optimiser.kind == "adamw" else 0.0,
        schedule=_SCHEDULES[optimiser.schedule],
        updates=updates * weight_steps,
        every=optimiser.every * weight_steps,
        factor=float(optimiser.factor),
    )


def descent_of(
    order: str, kind: str, *, momentum: float, tolerance: float, threshold: float
) -> Descent:
    """The kernels' view of a way to relax."""
    return Descent(
        _ORDERS[order], _DESCENTS[kind], float(momentum), float(tolerance), float(threshold)
    )


def new_motion(network: DenseNetwork, columns: int) -> Motion:
    """Room for up to ``columns`` samples, nothing moved or told yet."""
    units = sum(network.widths[1:]) * columns
    first, second = np.zeros((2, units), network.dtype)
    return Motion(first, second, np.zeros((2, network.layers + 1), np.int64))


def new_block(network: DenseNetwork, columns: int) -> Block:
    """Scratch for up to ``columns`` samples."""
    units, dtype = sum(network.widths[1:]) * columns, network.dtype
    z, a, p, e = (np.zeros(units, dtype) for _ in range(4))
    post = network.placement == "post"
    return Block(
        z=z,
        a=a,
        u=np.zeros(units, dtype) if post else p,
        p=p,
        e=e,
        d=np.zeros(units, dtype) if post else e,
        pull=np.zeros(max(network.widths[1:]) * columns, dtype),
        y=np.zeros(network.widths[-1] * columns, dtype),
    )


def new_batch(network: DenseNetwork, samples: int) -> Batch:
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


def new_parameters(network: DenseNetwork, weights: Weights, *, scaled: bool = True) -> Parameters:
    """A flat copy of ``weights``, ``scaled`` or as they are; moments zero."""
    scales = network.scales * (2 if network.bias else 1)
    parts = [
        np.ravel(w) * w.dtype.type(a if scaled else 1.0)
        for w, a in zip(weights, scales, strict=True)
    ]
    flat = np.concatenate(parts).astype(network.dtype)
    return Parameters(flat, np.zeros_like(flat), np.zeros_like(flat))


def layered(network: DenseNetwork, flat: np.ndarray, *, scaled: bool = True) -> Weights:
    """The weights, and biases, that ``flat`` holds ``scaled`` or as they are."""
    sizes = [a * b for a, b in zip(network.widths[1:], network.widths[:-1], strict=True)]
    shapes: list[tuple[int, ...]] = [(width, -1) for width in network.widths[1:]]
    if network.bias:
        sizes += network.widths[1:]
        shapes += [(width,) for width in network.widths[1:]]
    scales = network.scales * (2 if network.bias else 1)
    parts = np.split(flat, np.cumsum(sizes)[:-1])
    return tuple(
        part.reshape(shape) / flat.dtype.type(a if scaled else 1.0)
        for part, shape, a in zip(parts, shapes, scales, strict=True)
    )


@inlined
def layer_weights(flat, shape, layer):
    """One layer's weights, (out, in), as a view."""
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
