"""What elementwise work does to one element: primitives, kernels made of them, optimisers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Primitive:
    """One vector instruction: lane operations per element, and what they are for pricing."""

    name: str
    lane_ops: int
    actions: tuple[tuple[str, int], ...]


MULTIPLY = Primitive("multiply", 1, (("mul", 1),))
ADD = Primitive("add", 1, (("add", 1),))
SUBTRACT = Primitive("subtract", 1, (("add", 1),))
MULTIPLY_ADD = Primitive("multiply_add", 1, (("mul", 1), ("add", 1)))
SOFTMAX = Primitive("softmax", 5, (("softmax", 1),))
"""Maximum, subtraction, exponential, sum and division: five lane operations, priced as one."""


LANE_OPS = {"leaky_relu": 2, "gelu": 7, "gelu_derivative": 11}
"""Lane operations of functions that take more than one: their multiplications and additions, a tanh
counting as one. relu, tanh and their derivatives are single instructions of the unit."""


def activation(name: str) -> tuple[Primitive, ...]:
    """phi of one unit; the identity needs no instruction."""
    if name == "linear":
        return ()
    return (Primitive("activation", LANE_OPS.get(name, 1), ((name, 1),)),)


def derivative(name: str) -> tuple[Primitive, ...]:
    """phi' of one unit; the identity's is 1 and needs no instruction."""
    if name == "linear":
        return ()
    action = f"{name}_derivative"
    return (Primitive("derivative", LANE_OPS.get(action, 1), ((action, 1),)),)


@dataclass(frozen=True)
class Kernel:
    """What an elementwise operation does to each element.

    ``reads`` and ``writes`` are the words per element that it takes from and puts into SRAM;
    intermediate results stay in the lanes.
    """

    primitives: tuple[Primitive, ...]
    reads: int
    writes: int

    @property
    def lane_ops(self) -> int:
        return sum(primitive.lane_ops for primitive in self.primitives)


NO_KERNEL = Kernel((), 0, 0)

OPTIMISERS = {
    "sgd": Kernel((Primitive("sgd", 1, (("sgd", 1),)),), reads=2, writes=1),
    "momentum": Kernel((Primitive("momentum", 2, (("momentum", 1),)),), reads=3, writes=2),
    "adam": Kernel((Primitive("adam", 12, (("adam", 1),)),), reads=4, writes=3),
    "adamw": Kernel((Primitive("adamw", 13, (("adamw", 1),)),), reads=4, writes=3),
}
"""Per parameter: SGD one multiply-add on (w, g), momentum two on (w, g, m); Adam twelve lane operations on
(w, g, m, v), AdamW one more for the decay of w."""

OPTIMISER_WORDS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
"""State words per parameter that the optimiser keeps between updates."""
