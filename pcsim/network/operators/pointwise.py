"""Steps on each value by itself: activations, a fixed factor, an offset that is learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pcsim.network.operators.operator import Operator, Real, Shape, attribute


@dataclass(frozen=True)
class Activation(Operator):
    """A function of each value; subclasses are named by it."""


@dataclass(frozen=True)
class Relu(Activation):
    """max(x, 0)."""

    name: ClassVar[str] = "relu"


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """x, or 0.01 x where x is negative."""

    name: ClassVar[str] = "leaky_relu"


@dataclass(frozen=True)
class Tanh(Activation):
    """tanh x."""

    name: ClassVar[str] = "tanh"


@dataclass(frozen=True)
class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    name: ClassVar[str] = "sigmoid"


@dataclass(frozen=True)
class Silu(Activation):
    """x sigmoid(x) (arXiv 1702.03118)."""

    name: ClassVar[str] = "silu"


@dataclass(frozen=True)
class Gelu(Activation):
    """x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the form with tanh (arXiv 1606.08415)."""

    name: ClassVar[str] = "gelu"


@dataclass(frozen=True)
class HardTanh(Activation):
    """x, at least -1 and at most 1."""

    name: ClassVar[str] = "hard_tanh"


@dataclass(frozen=True)
class Scale(Operator):
    """``by`` times the value; not learnt."""

    name: ClassVar[str] = "scale"
    by: float = attribute(Real(positive=False))


@dataclass(frozen=True)
class Position(Operator):
    """Adds a value that is learnt to each place of a sample, the same in all samples."""

    name: ClassVar[str] = "position"

    def parameters(self, given: Shape) -> dict[str, Shape]:
        return {"weight": given}
