"""What does every kind of compute unit answer about itself? The part that multiplies matrices in a tile.

A kind is a section of the hardware file with keys of its own, chosen by ``kind``; see ``kinds``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import model_validator

from pcsim.config.fields import Finding, choice, flag, name, rejected
from pcsim.config.numerics import Analog, Formats
from pcsim.config.section import Section

Transpose = Literal["copy", "walk"]


class ComputeUnit(Section):
    """A kind of compute unit. Its class says what it can do; how long that takes is the machine's answer."""

    kind: Annotated[str, name()]

    def cells(self, formats: Formats) -> int:
        """Multiply-accumulates that it has the cells for. A digital one makes one in each of them a cycle."""
        raise NotImplementedError

    def rounds(self, m: int, n: int, k: int, formats: Formats, *, by_weights: bool) -> int:
        """How often all cells are used for an M x K by K x N product, idle ones at its edges counted: what it is worth
        to make a product smaller. ``by_weights``: the K x N matrix is W or W^T; else this is a gradient."""
        return -(-m * n * k // self.cells(formats))

    @property
    def blocks(self) -> int | None:
        """Blocks of weights that the unit itself can keep; None where weights come from SRAM."""
        return None

    @property
    def blocks_key(self) -> str:
        """The key that says how many ``blocks`` there are."""
        raise NotImplementedError

    def blocks_of(self, n_in: int, n_out: int, formats: Formats, *, both_ways: bool) -> int:
        """Blocks that n_in x n_out weights take, no fewer for more weights; ``both_ways``: W^T is read, too."""
        return 0

    @property
    def reads_both_ways(self) -> bool:
        """Whether W and W^T are read from one copy, alike."""
        return True

    @property
    def copies_weights(self) -> bool:
        """Whether the tile's SRAM keeps W^T beside the W of a layer that reads both."""
        return False

    @property
    def analog_errors(self) -> Analog | None:
        """The errors that products suffer; None where they are digital."""
        return None

    @property
    def how_transposed(self) -> str:
        """How W^T is read, in a few words."""
        return "W and W^T are read from one copy"

    def disagreements(self, formats: Formats) -> Iterable[Finding]:
        """What of ``formats`` the unit cannot compute in; paths are from the tile's section."""
        return ()


class DigitalUnit(ComputeUnit):
    """A unit whose weights come from SRAM. Not ``transposable``, ``transpose`` says how W^T is read:

    from a second ``copy``, which costs room and is written by each update, or by a ``walk`` along
    columns, for which a bank gives one word where its port could give several.
    """

    transposable: Annotated[bool, flag()]
    transpose: Annotated[Transpose | None, choice(Transpose, optional=True)] = None

    @model_validator(mode="after")
    def _transposed_in_one_way(self) -> Self:
        if self.transposable and self.transpose is not None:
            said = "must be left out where transposable is true"
            raise rejected([Finding(said, ("transpose",))])
        if not self.transposable and self.transpose is None:
            said = "must be given where transposable is false"
            hint = "copy, a second copy of the weights, or walk, reading along columns"
            raise rejected([Finding(said, ("transpose",), hint)])
        return self

    @property
    def reads_both_ways(self) -> bool:
        return self.transposable

    @property
    def copies_weights(self) -> bool:
        return self.transpose == "copy"

    @property
    def walks(self) -> bool:
        """Whether W^T is read word by word."""
        return self.transpose == "walk"

    @property
    def how_transposed(self) -> str:
        if self.copies_weights:
            return "W^T is read from a second copy, which takes room and which each update writes"
        if self.walks:
            return "W^T is read by a walk along columns, one word per bank and cycle"
        return super().how_transposed
