"""Normalisation over the last axis, from sums over all features of a token or sample.

Gains and offsets are kept in the format of weights. Kept for the way back: the normalised values, and one factor a
token.
"""

from __future__ import annotations

from pcsim.network.operators import LayerNorm, RmsNorm, Shape, size
from pcsim.program.kernels import ADD, MULTIPLY, MULTIPLY_ADD, SUBTRACT, Primitive
from pcsim.program.operators.work import (
    ERROR,
    NOTHING,
    STATE,
    Piece,
    Statistics,
    Step,
    Weightless,
    inverse_root,
    times,
)
from pcsim.program.words import Words


def layer_norm(operator: LayerNorm, reads: Shape, gives: Shape) -> Weightless:
    """Sums of x and x^2 give the mean and 1 / s; back, sums of g d and of g d times the normalised value."""
    count = size(reads)
    tokens = count // reads[-1]
    forward = (
        Piece(count, (ADD, MULTIPLY_ADD), gives=NOTHING),
        # Mean and mean of squares, less the square of the mean, plus eps.
        _over_features(reads, 2, (MULTIPLY, MULTIPLY, MULTIPLY_ADD, ADD, *inverse_root())),
        Piece(
            count,
            (SUBTRACT, MULTIPLY, MULTIPLY_ADD),
            beside=Words(weight=2),
            keeps=STATE,
        ),
    )
    pull = (
        Piece(
            count,
            (MULTIPLY, ADD, MULTIPLY_ADD),
            ERROR,
            ERROR,
            beside=Words(weight=1, state=1),
        ),
        _over_features(reads, 2, (MULTIPLY, MULTIPLY)),
        Piece(count, (SUBTRACT, MULTIPLY_ADD, MULTIPLY), ERROR, ERROR, beside=STATE),
    )
    gradient = (Piece(count, (ADD, MULTIPLY_ADD), ERROR, NOTHING, beside=STATE),)
    return Weightless(forward, pull, gradient, own=count + tokens, parameters=2 * reads[-1])


def rms_norm(operator: RmsNorm, reads: Shape, gives: Shape) -> Weightless:
    """The sum of x^2 gives 1 / s; back, the sum of g d times the normalised value."""
    count = size(reads)
    tokens = count // reads[-1]
    forward = (
        Piece(count, (MULTIPLY_ADD,), gives=NOTHING),
        _over_features(reads, 1, (MULTIPLY, ADD, *inverse_root())),
        Piece(count, (MULTIPLY, MULTIPLY), beside=Words(weight=1), keeps=STATE),
    )
    pull = (
        Piece(count, (MULTIPLY, MULTIPLY_ADD), ERROR, ERROR, beside=Words(weight=1, state=1)),
        _over_features(reads, 1, (MULTIPLY,)),
        Piece(count, (MULTIPLY_ADD, MULTIPLY), ERROR, ERROR, beside=STATE),
    )
    gradient = (Piece(count, (MULTIPLY_ADD,), ERROR, NOTHING, beside=STATE),)
    return Weightless(forward, pull, gradient, own=count + tokens, parameters=reads[-1])


def _over_features(reads: Shape, words: int, primitives: tuple[Primitive, ...]) -> Step:
    """So many ``words`` of each token; of images the last axis is a row within one channel, which its owner has."""
    tokens = size(reads) // reads[-1]
    if len(reads) < 3:
        return Statistics(words * tokens, tokens, primitives)
    sums = times(Words(accumulate=1), words)
    return Piece(tokens, primitives, sums, sums)
