"""Operators and learning rules of your own, in one file outside of pcsim.

An operator is three things: what it does to shapes, what it computes, and what work that is. A rule is three things,
too: its settings and what it refuses, how it changes the weights, and which operations that is. A file that defines all
three calls ``register_operator`` or ``register_rule`` once; a workload file names it under ``extensions``. An operator
then stands in blocks and nodes like any other, and a rule competes with backpropagation. docs/operators.md and
docs/rules.md have an example each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pcsim.config.rules import OwnRule as OwnRule
from pcsim.config.rules import add_rule
from pcsim.engine.graph.model import by_place as by_place
from pcsim.engine.graph.passes import GraphPasses as GraphPasses
from pcsim.engine.operators import OPERATIONS
from pcsim.engine.operators import Operation as Operation
from pcsim.engine.rules import ALGORITHMS
from pcsim.engine.rules import Algorithm as Algorithm
from pcsim.network import RULES, Rule
from pcsim.network.credit import Credit, everything
from pcsim.network.operators import OPERATORS, Shape
from pcsim.network.operators import Activation as Activation
from pcsim.network.operators import Operator as Operator
from pcsim.network.operators import ShapeError as ShapeError
from pcsim.network.operators.operator import Flag as Flag
from pcsim.network.operators.operator import Real as Real
from pcsim.network.operators.operator import Whole as Whole
from pcsim.network.operators.operator import attribute as attribute
from pcsim.program.build import PROGRAMS
from pcsim.program.build import Asked as Asked
from pcsim.program.kernels import Primitive as Primitive
from pcsim.program.operators import WORK, Work
from pcsim.program.operators import Weightless as Weightless
from pcsim.program.operators.work import Kept as Kept
from pcsim.program.operators.work import Piece as Piece
from pcsim.program.ops import Program


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


def register_rule(
    settings: type[OwnRule],
    algorithm: Callable[[Any], Algorithm],
    program: Callable[[Asked], Program],
    *,
    credit: Credit = everything,
) -> None:
    """Let files choose a rule by the ``name`` of its ``settings``, which also say what it refuses.

    ``algorithm`` makes of these settings what changes the weights, ``program`` writes down one update as operations.
    ``credit`` says which nodes receive a gradient, of the graph, an order ("") and the inference steps of an update;
    all, unless given.

    Raises:
        ValueError: there is another rule of that name.
    """
    word = add_rule(settings)
    RULES[word] = Rule(
        word, settings.title, credit, infers=settings.inference_steps is not OwnRule.inference_steps
    )
    ALGORITHMS[word] = lambda candidate: algorithm(candidate.own)
    PROGRAMS[word] = program
