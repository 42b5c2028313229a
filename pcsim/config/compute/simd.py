"""Which lanes with adder trees?"""

from __future__ import annotations

from typing import Annotated, Literal

from pcsim.config.compute.unit import DigitalUnit
from pcsim.config.fields import choice, whole
from pcsim.config.numerics import Formats

SimdKind = Literal["simd"]


class Simd(DigitalUnit):
    """``lanes`` outputs side by side, each a tree that multiplies and adds up ``tree`` inputs a cycle."""

    kind: Annotated[SimdKind, choice(SimdKind)]
    lanes: Annotated[int, whole(1, 65_536)]
    tree: Annotated[int, whole(1, 65_536)]

    def cells(self, formats: Formats) -> int:
        return self.lanes * self.tree

    def rounds(self, m: int, n: int, k: int, formats: Formats, *, by_weights: bool) -> int:
        return m * -(-n // self.lanes) * -(-k // self.tree)
