"""Attention as three parts: queries, keys and values; products of states; the outer map.

Queries, keys and values are one product by weights of n x 3n, head after head, so that a slice of heads has all that
it needs. Products of states are cut by heads. Of causal attention everything is counted, also what is masked, as an
array makes it. The scores' factor is one multiplication each.
"""

from __future__ import annotations

from pcsim.network.operators import Attention, Shape
from pcsim.program.contractions import (
    PULL_KEYS,
    PULL_QUERIES,
    PULL_VALUES,
    PULL_WEIGHTS,
    SCORES,
    VALUES,
)
from pcsim.program.kernels import ADD, MULTIPLY, MULTIPLY_ADD, SOFTMAX, SUBTRACT
from pcsim.program.operators.work import ERROR, STATE, PartProduct, PartWork, Piece
from pcsim.program.ops import Role
from pcsim.program.sizes import Sizes


def work(operator: Attention, reads: Shape, gives: Shape) -> tuple[PartWork, ...]:
    tokens, width = reads
    scores = operator.heads * tokens**2
    masked = (ADD,) if operator.causal else ()
    weights = Piece(scores, (MULTIPLY, *masked, SOFTMAX))
    # dS = A (dA - sum over a row of dA A), times the scores' factor.
    pulled = Piece(
        scores, (MULTIPLY_ADD, SUBTRACT, MULTIPLY, MULTIPLY), takes=ERROR, gives=ERROR, beside=STATE
    )
    mix = Sizes(
        3 * width,
        width,
        rows_in=tokens,
        rows_out=tokens,
        groups=operator.heads,
        weighted=False,
    )
    return (
        PartWork(Sizes(width, 3 * width, rows_in=tokens, rows_out=tokens), operator.bias, "qkv"),
        PartWork(
            mix,
            name="heads",
            forward=(PartProduct(Role.SCORES, SCORES), weights, PartProduct(Role.VALUES, VALUES)),
            pull=(
                PartProduct(Role.SCORES, PULL_WEIGHTS),
                PartProduct(Role.VALUES, PULL_VALUES),
                pulled,
                PartProduct(Role.QUERIES, PULL_QUERIES),
                PartProduct(Role.KEYS, PULL_KEYS),
            ),
            group_words=tokens**2,
        ),
        PartWork(Sizes(width, width, rows_in=tokens, rows_out=tokens), operator.bias, "o"),
    )
