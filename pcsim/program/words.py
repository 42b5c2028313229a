"""Of which kinds are the words that a piece of work reads and writes?

Their widths are the chip's number formats, which a program does not know: it counts words by kind of
value, and whoever has the formats turns them into bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import NamedTuple

from pcsim.config import Value


@dataclass(frozen=True)
class Words:
    """How many words of each kind of value."""

    weight: int = 0
    master: int = 0
    state: int = 0
    error: int = 0
    accumulate: int = 0
    optimiser: int = 0

    def __add__(self, other: Words) -> Words:
        return Words(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __iter__(self) -> Iterator[tuple[Value, int]]:
        """The kinds of which there are any, and how many."""
        counts = ((value, getattr(self, value)) for value in Value)
        return ((value, count) for value, count in counts if count)

    @property
    def total(self) -> int:
        """All of them, of whatever width."""
        return sum(astuple(self))


class Operands(NamedTuple):
    """What kinds of value a product multiplies, and what it becomes.

    ``streamed`` is the matrix that moves through the array, ``stationary`` the one that stays. Sums that
    are not complete are of kind ACCUMULATE; ``result`` is what a complete one is rounded to.
    """

    streamed: Value
    stationary: Value
    result: Value
