"""What does a rule compute on one batch? The training kernels, opened up for tests, theory and the profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pcsim.engine.network import DenseNetwork, Weights
from pcsim.engine.relaxation import Relaxation
from pcsim.network import RULES

if TYPE_CHECKING:
    from pcsim.config import Numerics
    from pcsim.engine.kernels.arithmetic import Arithmetic
    from pcsim.engine.kernels.layout import Batch, Shape


@dataclass(frozen=True)
class BatchResult:
    """What one batch gave, in ``len(energies) - 1`` inference steps.

    Tuples run over the layers 1..L, arrays of states and errors are (samples, width). ``states``
    ends with the output's prediction; ``errors`` are z - p, at the output y - p or y - softmax(p)
    (bp: with the same sign, propagated from there). ``energies`` (steps + 1, L) is each layer's
    share of F after t steps, a mean over the batch; for bp one row, zero but for the loss.
    ``active_states``, ``active_errors`` and, where there is a threshold, ``sent_states``,
    ``sent_errors`` (steps + 1, L) count as in Profile. ``gradients`` are of F, or of the loss, by
    W_l, (out, in), and, where the network has biases, by b_l behind them.
    """

    states: tuple[np.ndarray, ...]
    errors: tuple[np.ndarray, ...]
    energies: np.ndarray
    active_states: np.ndarray
    active_errors: np.ndarray
    sent_states: np.ndarray
    sent_errors: np.ndarray
    gradients: tuple[np.ndarray, ...]

    @property
    def credited_layers(self) -> tuple[int, ...]:
        """The layers, counted from 1, whose gradient has a non-zero entry."""
        layers = len(self.states)
        by_layer = (self.gradients[layer::layers] for layer in range(layers))
        return tuple(layer for layer, parts in enumerate(by_layer, 1) if any(map(np.any, parts)))


def infer(
    network: DenseNetwork,
    weights: Weights,
    x: np.ndarray,
    y: np.ndarray,
    *,
    relaxation: Relaxation,
    beta: float | None = None,
    numerics: Numerics | None = None,
    seed: int = 0,
) -> BatchResult:
    """Predictive coding on x (samples, input), y (samples, output), nudged by ``beta`` if given.

    Weights stay as they are, also with variant ipc, whose gradients are the sums over all steps.
    ``numerics`` are number formats and analog errors to compute in, with the random numbers of ``seed``;
    x and y are in the format of states then.
    """
    from pcsim.engine.kernels import passes
    from pcsim.engine.relaxer import Relaxer

    samples, steps = len(x), relaxation.steps
    shape, flat, data, batch, rows, arithmetic = _prepare(network, weights, x, y, numerics, seed)
    together = RULES[relaxation.variant].learns_along
    relaxer = Relaxer(network, relaxation, samples, arithmetic)
    block, columns = relaxer.block, relaxer.columns
    z, errors = (
        [np.empty((samples, width), network.dtype) for width in network.widths[1:]]
        for _ in range(2)
    )
    energies = np.zeros((steps + 1, network.layers))
    active_states, active_errors = np.zeros((2, steps + 1, network.layers), np.int64)
    sent_states, sent_errors = np.zeros((2, steps + 1, network.layers), np.int64)
    summed: Weights = ()
    made = steps

    def record(t: int, width: int) -> None:
        read = [*_by_layer(network, block.a, width)[:-1], _by_layer(network, block.p, width)[-1]]
        active_states[t] += [np.count_nonzero(values) for values in read]
        active_errors[t] += [np.count_nonzero(d) for d in _by_layer(network, block.d, width)]
        energies[t] += np.array(relaxer.energies(width)) / samples
        states, told = relaxer.take_sent()
        sent_states[t] += states
        sent_errors[t] += told

    passes.load_batch(shape, flat, data, rows, batch, batch.p1, arithmetic)
    for begin in range(0, samples, columns):
        width = min(columns, samples - begin)
        relaxer.start(flat, batch, begin, width, beta=beta)
        record(0, width)
        after = relaxer.total_energy(width)
        for t in range(steps):
            if together:
                relaxer.finish(batch, begin, width)
                found = _gradients(network, shape, batch, beta, arithmetic)
                summed = tuple(map(np.add, summed, found)) if summed else found
                relaxer.step_together(flat, done=t)
                relaxer.predict_again(flat, batch)
            else:
                relaxer.relax(flat, width, done=t, steps=1)
            record(t + 1, width)
            before, after = after, relaxer.total_energy(width)
            if relaxation.tolerance > 0 and not before - after > relaxation.tolerance * before:
                made = t + 1
                break
        relaxer.finish(batch, begin, width)
        hidden = _by_layer(network, block.z, width)[:-1]
        for whole, part in zip(z, [*hidden, _by_layer(network, block.p, width)[-1]], strict=True):
            whole[begin : begin + width] = part.T
        for whole, part in zip(errors, _by_layer(network, block.e, width), strict=True):
            whole[begin : begin + width] = part.T
    return BatchResult(
        states=tuple(z),
        errors=tuple(errors),
        energies=energies[: made + 1],
        active_states=active_states[: made + 1],
        active_errors=active_errors[: made + 1],
        sent_states=sent_states[: made + 1],
        sent_errors=sent_errors[: made + 1],
        gradients=(
            summed if together and steps else _gradients(network, shape, batch, beta, arithmetic)
        ),
    )


def backpropagate(
    network: DenseNetwork,
    weights: Weights,
    x: np.ndarray,
    y: np.ndarray,
    *,
    numerics: Numerics | None = None,
    seed: int = 0,
) -> BatchResult:
    """Backpropagation on x (samples, input), y (samples, output); the loss is ``energies[0, -1]``.

    ``numerics`` and ``seed`` as in ``infer``.
    """
    from pcsim.engine.kernels import backpropagation as bp
    from pcsim.engine.kernels import layout, losses, passes

    samples = len(x)
    shape, flat, data, batch, rows, arithmetic = _prepare(network, weights, x, y, numerics, seed)
    block = layout.new_block(network, samples)
    predictions = _by_layer(network, block.p, samples)
    passes.load_batch(shape, flat, data, rows, batch, predictions[0], arithmetic)
    passes.forward(shape, flat, samples, block.p, batch.a, arithmetic)
    bp.backward(shape, flat, batch, block.p, block.pull, arithmetic)
    energies = np.zeros((1, network.layers))
    energies[0, -1] = losses.output_energy(shape.loss, batch.y, predictions[-1]) / samples
    read = [*_by_layer(network, batch.a, samples)[:-1], predictions[-1]]
    errors = _by_layer(network, batch.d, samples)
    return BatchResult(
        states=tuple(p.T.copy() for p in predictions),
        errors=tuple(e.T.copy() for e in errors),
        energies=energies,
        active_states=np.array([[np.count_nonzero(values) for values in read]]),
        active_errors=np.array([[np.count_nonzero(e) for e in errors]]),
        sent_states=np.zeros((1, network.layers), np.int64),
        sent_errors=np.zeros((1, network.layers), np.int64),
        gradients=_gradients(network, shape, batch, None, arithmetic),
    )


def _prepare(
    network: DenseNetwork,
    weights: Weights,
    x: np.ndarray,
    y: np.ndarray,
    numerics: Numerics | None,
    seed: int,
) -> tuple[Any, ...]:
    """What the kernels want: (shape, flat weights as products read them, data, empty batch, rows, arithmetic)."""
    from pcsim.engine.arithmetic import new_arithmetic, rounded_weights
    from pcsim.engine.kernels import layout

    held = rounded_weights(numerics, weights, seed=seed)
    flat = layout.new_parameters(network, held, scaled=numerics is None).weights
    arithmetic = new_arithmetic(numerics, network, flat, seed=seed)
    data = layout.Data(np.array(x, network.dtype, order="C"), np.array(y, network.dtype, order="C"))
    return (
        layout.shape_of(network),
        flat if arithmetic is None else arithmetic.read,
        data,
        layout.new_batch(network, len(x)),
        np.arange(len(x)),
        arithmetic,
    )


def _by_layer(network: DenseNetwork, buffer: np.ndarray, columns: int) -> list[np.ndarray]:
    """Views (width, columns) of a flat buffer."""
    ends = np.cumsum(network.widths[1:]) * columns
    used = buffer[: ends[-1]]
    return [part.reshape(-1, columns) for part in np.split(used, ends[:-1])]


def _gradients(
    network: DenseNetwork,
    shape: Shape,
    batch: Batch,
    beta: float | None,
    arithmetic: Arithmetic | None,
) -> Weights:
    """From the errors and activities that lie in ``batch``, by ``beta`` where it was nudged."""
    from pcsim.engine.kernels.passes import bias_gradient, errors_times_inputs

    layers = range(1, network.layers + 1)
    products = [errors_times_inputs(shape, batch, layer, arithmetic).copy() for layer in layers]
    if network.bias and arithmetic is not None:
        products += [bias_gradient(shape, batch, layer, arithmetic).copy() for layer in layers]
    elif network.bias:
        products += [d.sum(axis=1) for d in _by_layer(network, batch.d, batch.x.shape[0])]
    scales = network.scales * (2 if network.bias else 1)
    factor = -1.0 / batch.x.shape[0] / (1.0 if beta is None else beta)
    return tuple(
        (product * (factor * scale)).astype(network.dtype)
        for product, scale in zip(products, scales, strict=True)
    )
