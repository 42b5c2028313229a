"""What does a rule compute on one batch? The training kernels, opened up for tests, theory and the profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pcsim.engine.network import Network, Weights

if TYPE_CHECKING:
    from pcsim.engine.kernels.layout import Batch, Shape


@dataclass(frozen=True)
class BatchResult:
    """What one batch gave. Tuples run over the layers 1..L, arrays of states and errors are (samples, width).

    ``states`` ends with the output's prediction; ``errors`` are z - p, at the output y - p or y -
    softmax(p) (bp: with the same sign, propagated from there). ``energies`` (steps + 1, L) is each
    layer's share of F after t steps, a mean over the batch; for bp one row, zero but for the loss.
    ``active_states``, ``active_errors`` (steps + 1, L) count as in Profile. ``gradients`` are of F,
    or of the loss, by W_l: (out, in).
    """

    states: tuple[np.ndarray, ...]
    errors: tuple[np.ndarray, ...]
    energies: np.ndarray
    active_states: np.ndarray
    active_errors: np.ndarray
    gradients: tuple[np.ndarray, ...]

    @property
    def credited_layers(self) -> tuple[int, ...]:
        """The layers, counted from 1, whose gradient has a non-zero entry."""
        return tuple(layer for layer, gradient in enumerate(self.gradients, 1) if np.any(gradient))


def infer(
    network: Network,
    weights: Weights,
    x: np.ndarray,
    y: np.ndarray,
    *,
    steps: int,
    rate: float,
    wavefront: bool = True,
) -> BatchResult:
    """Predictive coding on x (samples, input), y (samples, output): ``steps`` jacobi steps of ``rate``."""
    from pcsim.engine.kernels import layout, passes
    from pcsim.engine.kernels import predictive_coding as pc

    samples = len(x)
    shape, flat, data, batch, rows = _prepare(network, weights, x, y)
    columns = layout.block_columns(network, samples)
    block = layout.new_block(network, columns)
    z = [np.empty((samples, width), network.dtype) for width in network.widths[1:]]
    energies = np.zeros((steps + 1, network.layers))
    active_states, active_errors = np.zeros((2, steps + 1, network.layers), np.int64)

    def record(t: int, width: int) -> None:
        read = [*_by_layer(network, block.a, width)[:-1], _by_layer(network, block.p, width)[-1]]
        active_states[t] += [np.count_nonzero(values) for values in read]
        active_errors[t] += [np.count_nonzero(e) for e in _by_layer(network, block.e, width)]
        energies[t] += [
            pc.layer_energy(shape, block, width, layer) / samples
            for layer in range(1, network.layers + 1)
        ]

    passes.load_batch(shape, flat, data, rows, batch, batch.p1)
    for begin in range(0, samples, columns):
        width = min(columns, samples - begin)
        pc.start_block(shape, flat, batch, begin, width, block)
        record(0, width)
        for t in range(steps):
            one_step = layout.Inference(columns, t, 1, float(rate), wavefront)
            pc.relax(shape, flat, block, width, one_step)
            record(t + 1, width)
        pc.finish_block(shape, batch, begin, width, block)
        hidden = _by_layer(network, block.z, width)[:-1]
        for whole, part in zip(z, [*hidden, _by_layer(network, block.p, width)[-1]], strict=True):
            whole[begin : begin + width] = part.T
    return BatchResult(
        states=tuple(z),
        errors=tuple(e.T.copy() for e in _by_layer(network, batch.e, samples)),
        energies=energies,
        active_states=active_states,
        active_errors=active_errors,
        gradients=_gradients(network, shape, batch),
    )


def backpropagate(network: Network, weights: Weights, x: np.ndarray, y: np.ndarray) -> BatchResult:
    """Backpropagation on x (samples, input), y (samples, output); the loss is ``energies[0, -1]``."""
    from pcsim.engine.kernels import backpropagation as bp
    from pcsim.engine.kernels import layout, losses, passes

    samples = len(x)
    shape, flat, data, batch, rows = _prepare(network, weights, x, y)
    block = layout.new_block(network, samples)
    predictions = _by_layer(network, block.p, samples)
    passes.load_batch(shape, flat, data, rows, batch, predictions[0])
    passes.forward(shape, flat, samples, block.p, batch.a)
    bp.backward(shape, flat, batch, block.p, block.pull)
    energies = np.zeros((1, network.layers))
    energies[0, -1] = losses.output_energy(shape.loss, batch.y, predictions[-1]) / samples
    read = [*_by_layer(network, batch.a, samples)[:-1], predictions[-1]]
    errors = _by_layer(network, batch.e, samples)
    return BatchResult(
        states=tuple(p.T.copy() for p in predictions),
        errors=tuple(e.T.copy() for e in errors),
        energies=energies,
        active_states=np.array([[np.count_nonzero(values) for values in read]]),
        active_errors=np.array([[np.count_nonzero(e) for e in errors]]),
        gradients=_gradients(network, shape, batch),
    )


def _prepare(network: Network, weights: Weights, x: np.ndarray, y: np.ndarray) -> tuple[Any, ...]:
    """What the kernels want: (shape, flat weights, data, empty batch, rows)."""
    from pcsim.engine.kernels import layout

    data = layout.Data(np.array(x, network.dtype, order="C"), np.array(y, network.dtype, order="C"))
    return (
        layout.shape_of(network),
        layout.new_parameters(network, weights).weights,
        data,
        layout.new_batch(network, len(x)),
        np.arange(len(x)),
    )


def _by_layer(network: Network, buffer: np.ndarray, columns: int) -> list[np.ndarray]:
    """Views (width, columns) of a flat buffer."""
    ends = np.cumsum(network.widths[1:]) * columns
    used = buffer[: ends[-1]]
    return [part.reshape(-1, columns) for part in np.split(used, ends[:-1])]


def _gradients(network: Network, shape: Shape, batch: Batch) -> Weights:
    """From the errors and activities that lie in ``batch``."""
    from pcsim.engine.kernels.passes import errors_times_inputs

    scale = -1.0 / batch.x.shape[0]
    return tuple(
        (errors_times_inputs(shape, batch, layer) * scale).astype(network.dtype)
        for layer in range(1, network.layers + 1)
    )
