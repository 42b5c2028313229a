"""Attention: every token takes a mean of all tokens' values, weighted by how well its query fits their keys.

For each head, of width d: softmax(q k^T / sqrt(d)) v; the heads side by side then go through o (arXiv 1706.03762).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pcsim.network.operators.operator import (
    SEQUENCE,
    Flag,
    Operator,
    Shape,
    ShapeError,
    Whole,
    attribute,
    needs,
)

PROJECTIONS = ("q", "k", "v", "o")


@dataclass(frozen=True)
class Attention(Operator):
    """``heads`` of equal width. ``causal``: no token sees those behind it."""

    name: ClassVar[str] = "attention"
    heads: int = attribute(Whole(1, 4096))
    causal: bool = attribute(Flag(), default=False)
    bias: bool = attribute(Flag(), default=True)

    def shape(self, given: Shape) -> Shape:
        needs(SEQUENCE, given, self.name)
        if given[1] % self.heads:
            raise ShapeError(
                f"attention of {self.heads} heads needs features that {self.heads} divides, and is given {given[1]}"
            )
        return given

    def parameters(self, given: Shape) -> dict[str, Shape]:
        width = given[1]
        found: dict[str, Shape] = {}
        for projection in PROJECTIONS:
            found[f"{projection}_weight"] = (width, width)
            if self.bias:
                found[f"{projection}_bias"] = (width,)
        return found

    def macs(self, given: Shape) -> int:
        """Four projections, and of each head scores and values: 4 S D^2 + 2 S^2 D."""
        tokens, width = given
        return 4 * tokens * width**2 + 2 * tokens**2 * width

    def longest_sum(self, given: Shape) -> int:
        """On the way back those of queries, keys and values meet."""
        tokens, width = given
        return max(3 * width, tokens)

    def repeats(self, given: Shape) -> int:
        return given[0]

    def fan_in(self, given: Shape, parameter: str) -> int:
        return given[1]
