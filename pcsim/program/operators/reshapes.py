"""The same values in another shape: no work, and no words that move by themselves."""

from __future__ import annotations

from pcsim.network.operators import Operator, Shape
from pcsim.program.operators.work import Weightless


def reshape(operator: Operator, reads: Shape, gives: Shape) -> Weightless:
    return Weightless()
