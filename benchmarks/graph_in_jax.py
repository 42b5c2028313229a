"""The update of ``graphs.py`` in JAX: inference, gradient and Adam in one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from pcsim.network import INPUT, Graph, Term

Arrays = dict[Any, jax.Array]
BETAS, EPSILON = (0.9, 0.999), 1e-8


def apply(term: Term, value: jax.Array, weights: Arrays) -> jax.Array:
    """One operator, by JAX's own."""
    operator, name = term.operator, term.operator.name
    own = {key.rpartition(".")[2]: weights[key] for key in term.parameters}
    if name == "dense":
        return value @ own["weight"].T + own["bias"]
    if name == "conv2d":
        pad = [(operator.padding, operator.padding)] * 2
        strides = (operator.stride, operator.stride)
        made = lax.conv_general_dilated(value, own["weight"], strides, pad)
        return made + own["bias"][:, None, None]
    if name == "max_pool":
        window = (1, 1, operator.kernel, operator.kernel)
        return lax.reduce_window(value, -jnp.inf, lax.max, window, window, "VALID")
    if name == "global_avg_pool":
        return value.mean((2, 3))
    if name == "mean_tokens":
        return value.mean(1)
    if name == "layer_norm":
        mean = value.mean(-1, keepdims=True)
        spread = jnp.sqrt(value.var(-1, keepdims=True) + operator.eps)
        return (value - mean) / spread * own["weight"] + own["bias"]
    if name == "attention":
        return attend(operator.heads, value, own)
    if name == "position":
        return value + own["weight"]
    if name == "patches":
        samples, channels, height, width = value.shape
        side = operator.size
        cut = value.reshape(samples, channels, height // side, side, width // side, side)
        return cut.transpose(0, 2, 4, 1, 3, 5).reshape(samples, -1, channels * side * side)
    if name == "flatten":
        return value.reshape(len(value), -1)
    if name == "gelu":
        return jax.nn.gelu(value, approximate=True)
    return {"relu": jax.nn.relu, "tanh": jnp.tanh}[name](value)


def attend(heads: int, value: jax.Array, own: dict[str, jax.Array]) -> jax.Array:
    samples, tokens, width = value.shape

    def projected(which: str) -> jax.Array:
        found = value @ own[f"{which}_weight"].T + own[f"{which}_bias"]
        return found.reshape(samples, tokens, heads, -1).transpose(0, 2, 1, 3)

    q, k, v = map(projected, "qkv")
    weighted = jax.nn.softmax(q @ k.swapaxes(-1, -2) / jnp.sqrt(width / heads), -1) @ v
    mixed = weighted.transpose(0, 2, 1, 3).reshape(samples, tokens, width)
    return mixed @ own["o_weight"].T + own["o_bias"]


def predict(graph: Graph, number: int, values: Arrays, weights: Arrays) -> jax.Array:
    total: Any = 0.0
    for branch in graph[number].branches:
        value = values[branch.source]
        for term in branch.terms:
            value = apply(term, value, weights)
        total = total + value
    made: jax.Array = total
    return made


def step_of_jax(
    graph: Graph,
    rule: str,
    x: Any,
    y: Any,
    weights: Any,
    *,
    steps: int,
    rate: float,
    learning: float,
) -> Callable[[], Arrays]:
    """An update by ``rule``; returns the weights after it."""
    hidden, last = [node.number for node in graph.hidden], graph.output.number
    inputs, targets = jnp.asarray(x).reshape(-1, *graph.input), jnp.asarray(y)

    def forward(weights: Arrays) -> Arrays:
        values = {INPUT: inputs}
        for node in graph.nodes:
            values[node.number] = predict(graph, node.number, values, weights)
        return values

    def energy(states: Arrays, weights: Arrays) -> jax.Array:
        values = {INPUT: inputs, **states}
        total = 0.5 * jnp.sum((predict(graph, last, values, weights) - targets) ** 2)
        for number in hidden:
            gap = values[number] - predict(graph, number, values, weights)
            total = total + 0.5 * jnp.sum(gap**2)
        return total

    def loss(weights: Arrays) -> jax.Array:
        return 0.5 * jnp.sum((forward(weights)[last] - targets) ** 2)

    def update(weights: Arrays, first: Arrays, second: Arrays, count: jax.Array) -> Any:
        if rule == "bp":
            slopes = jax.grad(loss)(weights)
        else:
            values = forward(weights)
            states = {number: values[number] for number in hidden}
            for _ in range(steps):
                pulls = jax.grad(energy)(states, weights)
                states = {number: states[number] - rate * pulls[number] for number in hidden}
            slopes = jax.grad(energy, argnums=1)(states, weights)
        new: tuple[Arrays, Arrays, Arrays] = ({}, {}, {})
        for key, slope in slopes.items():
            mean = slope / len(inputs)
            new[1][key] = BETAS[0] * first[key] + (1 - BETAS[0]) * mean
            new[2][key] = BETAS[1] * second[key] + (1 - BETAS[1]) * mean**2
            step = new[1][key] / (1 - BETAS[0] ** count)
            size = jnp.sqrt(new[2][key] / (1 - BETAS[1] ** count)) + EPSILON
            new[0][key] = weights[key] - learning * step / size
        return new

    compiled = jax.jit(update)
    held = {key: jnp.asarray(value) for key, value in weights.items()}
    zeros = {key: jnp.zeros_like(value) for key, value in held.items()}
    state: list[Any] = [held, zeros, zeros, 0]

    def step() -> Arrays:
        state[3] += 1
        state[:3] = compiled(state[0], state[1], state[2], jnp.float32(state[3]))
        jax.block_until_ready(state[0])
        return dict(state[0])

    return step
