"""Steps on each value by itself: activations, a fixed factor, an offset that is learnt.

Activations without a price of their own are written in those that have one: sigmoid(x) = 1/2 + 1/2 tanh(x/2).
"""

from __future__ import annotations

from pcsim.network.operators import Activation, Position, Scale, Shape, size
from pcsim.program.kernels import (
    ADD,
    COMPARE,
    MULTIPLY,
    MULTIPLY_ADD,
    SUBTRACT,
    Primitive,
    activation,
    derivative,
    repeated,
)
from pcsim.program.operators.work import ERROR, NOTHING, Kept, Piece, Weightless
from pcsim.program.words import Words

_SIGMOID = (MULTIPLY, *activation("tanh"), MULTIPLY_ADD)

COMPOSED: dict[str, tuple[tuple[Primitive, ...], tuple[Primitive, ...]]] = {
    "sigmoid": (_SIGMOID, (SUBTRACT, MULTIPLY)),  # s (1 - s), from s
    "silu": (
        (*_SIGMOID, MULTIPLY),
        (*_SIGMOID, SUBTRACT, MULTIPLY_ADD, MULTIPLY),
    ),  # s (1 + x (1 - s)), from x
    "hard_tanh": (repeated(COMPARE, 2), repeated(COMPARE, 2)),
}
"""Functions and their derivatives made of priced primitives."""

FROM_ITS_INPUT = ("gelu", "silu")
"""Activations whose derivative is found from what they read; of the others from what they gave."""


def activate(operator: Activation, reads: Shape, gives: Shape) -> Weightless:
    name, count = operator.name, size(reads)
    function, slope = COMPOSED.get(name) or (activation(name), derivative(name))
    kept = Kept.READ if name in FROM_ITS_INPUT else Kept.GIVEN
    pull = Piece(count, (*slope, MULTIPLY), ERROR, ERROR, beside=Words(state=1))
    return Weightless((Piece(count, function),), (pull,), kept=kept)


def scale(operator: Scale, reads: Shape, gives: Shape) -> Weightless:
    count = size(reads)
    return Weightless((Piece(count, (MULTIPLY,)),), (Piece(count, (MULTIPLY,), ERROR, ERROR),))


def position(operator: Position, reads: Shape, gives: Shape) -> Weightless:
    """The gradient is the sum of errors over the batch."""
    count = size(reads)
    forward = Piece(count, (ADD,), beside=Words(weight=1))
    return Weightless(
        (forward,), gradient=(Piece(count, (ADD,), ERROR, NOTHING),), parameters=count
    )
