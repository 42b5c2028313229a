"""Pooling: the largest or the mean of a window; means over a whole image or sequence.

The way back writes a word for every place of a window, and adds where windows overlap. Winners are kept as a word of
a state each, the place in the window.
"""

from __future__ import annotations

from pcsim.network.operators import AvgPool, GlobalAvgPool, MaxPool, MeanTokens, Shape, size
from pcsim.program.kernels import ADD, COMPARE, MULTIPLY, repeated
from pcsim.program.operators.work import ERROR, NOTHING, STATE, Piece, Weightless, times


def max_pool(operator: MaxPool, reads: Shape, gives: Shape) -> Weightless:
    places, outputs = operator.kernel**2, size(gives)
    overlap = operator.kernel > operator.stride
    forward = Piece(outputs, repeated(COMPARE, places - 1), times(STATE, places), keeps=STATE)
    pull = Piece(
        outputs,
        (*repeated(COMPARE, places), *repeated(ADD, places if overlap else 0)),
        ERROR,
        times(ERROR, places),
        beside=STATE + (times(ERROR, places) if overlap else NOTHING),
    )
    return Weightless((forward,), (pull,), own=outputs)


def avg_pool(operator: AvgPool, reads: Shape, gives: Shape) -> Weightless:
    return _mean(size(gives), operator.kernel**2, overlap=operator.kernel > operator.stride)


def global_avg_pool(operator: GlobalAvgPool, reads: Shape, gives: Shape) -> Weightless:
    return _mean(size(gives), size(reads) // size(gives))


def mean_tokens(operator: MeanTokens, reads: Shape, gives: Shape) -> Weightless:
    return _mean(size(gives), size(reads) // size(gives))


def _mean(outputs: int, places: int, *, overlap: bool = False) -> Weightless:
    """The mean of ``places`` values, and its error spread over them."""
    forward = Piece(outputs, (*repeated(ADD, places - 1), MULTIPLY), times(STATE, places))
    added = repeated(ADD, places) if overlap else ()
    beside = times(ERROR, places) if overlap else NOTHING
    pull = Piece(outputs, (MULTIPLY, *added), ERROR, times(ERROR, places), beside)
    return Weightless((forward,), (pull,))
