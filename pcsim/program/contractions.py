"""Which matrices does a product multiply? Its sizes follow from those of its part and from the batch.

    forward    (batch rows_out, n_out, n_in taps)      weights; convolutions by their windows (im2col)
    pull       (batch rows_out, n_in taps, n_out)      then windows that overlap are added up
    gradient   (n_out, n_in taps, batch rows_out)

of each group by itself. Attention multiplies states, for every sample and head, S tokens and width d:

    scores     (S, S, d)   Q K^T               their pull  (S, S, d)  D V^T and (S, d, S)  A^T D
    values     (S, d, S)   A V                 their pull  (S, d, S)  dS K and (S, d, S)  dS^T Q
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import NamedTuple

from pcsim.config import Value
from pcsim.program.sizes import Sizes
from pcsim.program.words import Operands


class MatrixAxis(StrEnum):
    """What a side of a matrix counts; inputs and outputs are those of one group."""

    BATCH = "batch"
    ROWS = "rows"
    IN = "in"
    OUT = "out"
    TAPS = "taps"
    GROUPS = "groups"


class Extent(NamedTuple):
    """An M x K by K x N product, ``repeat`` times. Of a matrix of overlapping windows ``streamed`` or ``stationary`` is
    the words of which they are made, which a line buffer reads once; 0 of a matrix that lies in SRAM as it is."""

    m: int
    n: int
    k: int
    repeat: int
    streamed: int
    stationary: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.m * self.n * self.k * self.repeat


@dataclass(frozen=True)
class Contraction:
    """C[M, N] = A[M, K] B[K, N]: what each side counts, how often, and what kinds of values these are.

    ``windows``: which of ``operands`` consists of windows of the part's operand, if any.
    """

    name: str
    m: tuple[MatrixAxis, ...]
    n: tuple[MatrixAxis, ...]
    k: tuple[MatrixAxis, ...]
    repeat: tuple[MatrixAxis, ...]
    operands: Operands
    windows: str = ""

    def extent(self, sizes: Sizes, batch: int) -> Extent:
        """Of a part, or a slice of one, of these sizes."""
        along = {
            MatrixAxis.BATCH: batch,
            MatrixAxis.ROWS: sizes.rows_out,
            MatrixAxis.IN: sizes.n_in // sizes.groups,
            MatrixAxis.OUT: sizes.n_out // sizes.groups,
            MatrixAxis.TAPS: sizes.taps,
            MatrixAxis.GROUPS: sizes.groups,
        }
        m, n, k, repeat = (
            prod(along[axis] for axis in side) for side in (self.m, self.n, self.k, self.repeat)
        )
        once = batch * sizes.words_in // sizes.groups if sizes.taps > 1 else 0
        streamed = min(m * k, once) if self.windows == "streamed" else 0
        stationary = min(k * n, once) if self.windows == "stationary" else 0
        return Extent(m, n, k, repeat, streamed, stationary)


_SAMPLES, _WINDOW = (MatrixAxis.BATCH, MatrixAxis.ROWS), (MatrixAxis.IN, MatrixAxis.TAPS)
_TOKENS, _HEAD, _HEADS = (
    (MatrixAxis.ROWS,),
    (MatrixAxis.OUT,),
    (MatrixAxis.BATCH, MatrixAxis.GROUPS),
)

FORWARD = Contraction(
    "forward",
    _SAMPLES,
    (MatrixAxis.OUT,),
    _WINDOW,
    (MatrixAxis.GROUPS,),
    Operands(Value.STATE, Value.WEIGHT, Value.STATE),
    windows="streamed",
)
PULL = Contraction(
    "pull",
    _SAMPLES,
    _WINDOW,
    (MatrixAxis.OUT,),
    (MatrixAxis.GROUPS,),
    Operands(Value.ERROR, Value.WEIGHT, Value.ERROR),
)
GRADIENT = Contraction(
    "gradient",
    (MatrixAxis.OUT,),
    _WINDOW,
    _SAMPLES,
    (MatrixAxis.GROUPS,),
    Operands(Value.ERROR, Value.STATE, Value.ACCUMULATE),
    windows="stationary",
)

PULL_WINDOWS = Contraction(
    "pull_windows",
    _SAMPLES,
    _WINDOW,
    (MatrixAxis.OUT,),
    (MatrixAxis.GROUPS,),
    Operands(Value.ERROR, Value.WEIGHT, Value.ACCUMULATE),
)
"""A pull whose windows overlap: its sums are added up before they are rounded."""

_STATES = Operands(Value.STATE, Value.STATE, Value.STATE)
_PULLED = Operands(Value.ERROR, Value.STATE, Value.ERROR)

SCORES = Contraction("scores", _TOKENS, _TOKENS, _HEAD, _HEADS, _STATES)
VALUES = Contraction("values", _TOKENS, _HEAD, _TOKENS, _HEADS, _STATES)
PULL_WEIGHTS = Contraction("pull_weights", _TOKENS, _TOKENS, _HEAD, _HEADS, _PULLED)
"""D V^T: what the error makes of attention weights."""
PULL_VALUES = Contraction("pull_values", _TOKENS, _HEAD, _TOKENS, _HEADS, _PULLED)
"""A^T D, taken as D^T A: of the values."""
PULL_QUERIES = Contraction("pull_queries", _TOKENS, _HEAD, _TOKENS, _HEADS, _PULLED)
PULL_KEYS = Contraction("pull_keys", _TOKENS, _HEAD, _TOKENS, _HEADS, _PULLED)
