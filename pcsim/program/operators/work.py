"""What work is an operator? Pieces of elementwise work around products, in each of three passes.

forward makes its value, pull brings an error back to what it read, gradient forms what it learns from. Pieces that
follow one another on the same elements become one kernel, whose values in between stay in the lanes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pcsim.program.contractions import Contraction
from pcsim.program.kernels import ADD, MULTIPLY, MULTIPLY_ADD, SUBTRACT, Kernel, Primitive, repeated
from pcsim.program.ops import Role
from pcsim.program.sizes import Sizes
from pcsim.program.words import Words

STATE, ERROR, NOTHING = Words(state=1), Words(error=1), Words()


@dataclass(frozen=True)
class Piece:
    """Primitives on each of ``elements`` values of a sample.

    ``takes`` and ``gives`` are the words of the value that passes through, none where it stays as it is; ``beside`` is
    what is read besides, ``keeps`` what is written for the way back. ``learnt``: names of the parameters among that.
    """

    elements: int
    primitives: tuple[Primitive, ...]
    takes: Words = STATE
    gives: Words = STATE
    beside: Words = NOTHING
    keeps: Words = NOTHING
    learnt: tuple[str, ...] = ()

    @property
    def kernel(self) -> Kernel:
        return Kernel(self.primitives, self.takes + self.beside, self.gives + self.keeps)

    @property
    def is_nothing(self) -> bool:
        """Whether the value simply stays where it is."""
        return not self.primitives and self.takes == self.gives and not self.keeps.total


@dataclass(frozen=True)
class Statistics:
    """``words`` a sample are summed over all channels; ``primitives`` on each of ``elements`` make of them what all
    channels need, in as many words."""

    words: int
    elements: int
    primitives: tuple[Primitive, ...]


Step = Piece | Statistics


class Kept(StrEnum):
    """From which value the way back is found."""

    NOTHING = "nothing"
    READ = "read"
    GIVEN = "given"
    BOTH = "both"


@dataclass(frozen=True)
class Weightless:
    """An operator without products: work at the owners of the value that it changes.

    ``kept`` of its values and ``own`` words a sample besides are there for the way back; ``parameters`` it learns.
    """

    forward: tuple[Step, ...] = ()
    pull: tuple[Step, ...] = ()
    gradient: tuple[Piece, ...] = ()
    kept: Kept = Kept.NOTHING
    own: int = 0
    parameters: int = 0


@dataclass(frozen=True)
class PartProduct:
    """One of several products of a part, by its role."""

    role: Role
    contraction: Contraction


@dataclass(frozen=True)
class PartWork:
    """A part that an operator brings along.

    ``name`` tells several apart. ``forward`` and ``pull`` of a part without weights are its products and what
    lies between; of one with weights they are the products by these. ``folds``: additions for each word of a
    window, where windows of its pull overlap or lie apart. ``group_words``: kept for each group and sample.
    """

    sizes: Sizes
    bias: bool = False
    name: str = ""
    forward: tuple[PartProduct | Piece, ...] = ()
    pull: tuple[PartProduct | Piece, ...] = ()
    folds: tuple[Primitive, ...] | None = None
    group_words: int = 0


Work = Weightless | tuple[PartWork, ...]


def fused(steps: Iterable[Step]) -> list[Step]:
    """The same work in as few kernels as possible; pieces in which nothing happens are left out."""
    found: list[Step] = []
    for step in steps:
        last = found[-1] if found else None
        if isinstance(step, Piece) and isinstance(last, Piece) and _continues(last, step):
            found[-1] = replace(
                last,
                primitives=(*last.primitives, *step.primitives),
                gives=step.gives if step.gives.total else last.gives,
                beside=last.beside + step.beside,
                keeps=last.keeps + step.keeps,
                learnt=(*last.learnt, *step.learnt),
            )
        else:
            found.append(step)
    return [step for step in found if not (isinstance(step, Piece) and step.is_nothing)]


def _continues(first: Piece, second: Piece) -> bool:
    return first.elements == second.elements and first.gives.total == second.takes.total == 1


def added(steps: Sequence[Step], words: int) -> list[Step]:
    """``steps`` and the addition of another value; with a multiplication before it that is one instruction."""
    *others, last = steps or [Piece(words, ())]
    if isinstance(last, Piece) and last.elements == words and last.primitives[-1:] == (MULTIPLY,):
        fused_multiply_add = (*last.primitives[:-1], MULTIPLY_ADD)
        return [*others, replace(last, primitives=fused_multiply_add, beside=last.beside + STATE)]
    return [*steps, Piece(words, (ADD,), beside=STATE)]


def times(words: Words, count: int) -> Words:
    """``count`` times as many words."""
    return Words(
        words.weight * count,
        words.master * count,
        words.state * count,
        words.error * count,
        words.accumulate * count,
        words.optimiser * count,
    )


def inverse_root() -> tuple[Primitive, ...]:
    """1 / sqrt(x): a first guess from the bits of x (a subtraction), then three times y (1.5 - 0.5 x y^2), which is
    exact to fp32."""
    return (*repeated(SUBTRACT, 4), *repeated(MULTIPLY, 9))
