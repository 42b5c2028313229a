"""A fully connected step: one use of its weights a sample, or one a token."""

from __future__ import annotations

from pcsim.network.operators import Dense, Shape, size
from pcsim.program.operators.work import PartWork
from pcsim.program.sizes import Sizes


def work(operator: Dense, reads: Shape, gives: Shape) -> tuple[PartWork, ...]:
    rows = size(reads) // reads[-1]
    sizes = Sizes(reads[-1], gives[-1], rows_in=rows, rows_out=rows)
    return (PartWork(sizes, bias=operator.bias),)
