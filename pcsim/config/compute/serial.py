"""Which serial cores?"""

from __future__ import annotations

from typing import Annotated, Literal

from pcsim.config.compute.unit import DigitalUnit
from pcsim.config.fields import choice, whole
from pcsim.config.numerics import Formats

SerialKind = Literal["serial"]


class Serial(DigitalUnit):
    """``cores`` side by side, each with one multiply-accumulate a cycle for one neuron at a time."""

    kind: Annotated[SerialKind, choice(SerialKind)]
    cores: Annotated[int, whole(1, 65_536)]

    def cells(self, formats: Formats) -> int:
        return self.cores

    def rounds(self, m: int, n: int, k: int, formats: Formats, *, by_weights: bool) -> int:
        if by_weights:
            return m * -(-n // self.cores) * k
        return -(-m // self.cores) * n * k
