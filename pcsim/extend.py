"""Operators of your own, in one file outside of pcsim.

An operator is three things: what it does to shapes, what it computes, and what work that is. A file that defines
all three calls ``register_operator`` once; a workload file names it under ``extensions``, and it then stands in blocks
and nodes like any other. docs/operators.md has an example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pcsim.engine.operators import OPERATIONS
from pcsim.engine.operators import Operation as Operation
from pcsim.network.operators import OPERATORS, Shape
from pcsim.network.operators import Activation as Activation
from pcsim.network.operators import Operator as Operator
from pcsim.network.operators import ShapeError as ShapeError
from pcsim.network.operators.operator import Flag as Flag
from pcsim.network.operators.operator import Real as Real
from pcsim.network.operators.operator import Whole as Whole
from pcsim.network.operators.operator import attribute as attribute
from pcsim.program.kernels import Primitive as Primitive
from pcsim.program.operators import WORK, Work
from pcsim.program.operators import Weightless as Weightless
from pcsim.program.operators.work import Kept as Kept
from pcsim.program.operators.work import Piece as Piece


def register_operator(
    operator: type[Operator],
    operation: type[Operation],
    work: Callable[[Any, Shape, Shape], Work],
) -> None:
    """Let files use ``operator`` by its name.

    ``operation`` computes it, ``work`` says which elementwise work it is, of the operator and the shapes that it reads
    and gives.

    Raises:
        ValueError: it has no name, or there is another operator of that name.
    """
    name = operator.name
    if not name:
        raise ValueError(f"{operator.__name__} must have a name")
    known = OPERATORS.get(name)
    if known is not None and known.__qualname__ != operator.__qualname__:
        raise ValueError(f"there is an operator {name!r} already")
    OPERATORS[name], OPERATIONS[name], WORK[name] = operator, operation, work
