"""What elementwise work does to one element: primitives, kernels made of them, optimisers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pcsim.program.words import Words


@dataclass(frozen=True)
class Primitive:
    """One vector instruction: lane operations per element, and what they are for pricing; ``times`` in a row."""

    name: str
    lane_ops: int
    actions: tuple[tuple[str, int], ...]
    times: int = 1


def repeated(primitive: Primitive, times: int) -> tuple[Primitive, ...]:
    """``primitive`` so many times on each element."""
    if times < 1:
        return ()
    actions = tuple((action, amount * times) for action, amount in primitive.actions)
    lane_ops = primitive.lane_ops * times
    return (replace(primitive, lane_ops=lane_ops, actions=actions, times=primitive.times * times),)


MULTIPLY = Primitive("multiply", 1, (("mul", 1),))
ADD = Primitive("add", 1, (("add", 1),))
SUBTRACT = Primitive("subtract", 1, (("add", 1),))
MULTIPLY_ADD = Primitive("multiply_add", 1, (("mul", 1), ("add", 1)))
COMPARE = Primitive("compare", 1, (("add", 1),))
"""A comparison, taken as a subtraction."""
STATE_MOMENTUM = Primitive("state_momentum", 2, (("mul", 2), ("add", 2)))
STATE_ADAM = Primitive("state_adam", 12, (("adam", 1),))
"""Momentum and Adam on states, by the vector unit: as the optimisers of weights."""
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

    ``reads`` and ``writes`` are the words per element that it takes from and puts into SRAM, by kind of
    value; intermediate results stay in the lanes.
    """

    primitives: tuple[Primitive, ...]
    reads: Words
    writes: Words

    @property
    def lane_ops(self) -> int:
        return sum(primitive.lane_ops for primitive in self.primitives)


NO_KERNEL = Kernel((), Words(), Words())

ADD_PARTIAL_SUMS = Kernel((ADD,), reads=Words(accumulate=2), writes=Words(accumulate=1))
"""One addition where two partial sums meet and more will be added."""

COMPLETE_PREDICTION = Kernel((ADD,), reads=Words(accumulate=2), writes=Words(state=1))
COMPLETE_FEEDBACK = Kernel((ADD,), reads=Words(accumulate=2), writes=Words(error=1))
"""The addition that completes a sum and rounds it to what it is."""

OUTPUT_ERRORS = {"mse": (SUBTRACT,), "cross_entropy": (SOFTMAX, SUBTRACT)}
"""Error of the output: y - p, or y - softmax(p)."""

OPTIMISERS = {
    "sgd": Primitive("sgd", 1, (("sgd", 1),)),
    "momentum": Primitive("momentum", 2, (("momentum", 1),)),
    "adam": Primitive("adam", 12, (("adam", 1),)),
    "adamw": Primitive("adamw", 13, (("adamw", 1),)),
}
"""Per parameter: SGD one multiply-add, momentum two; Adam twelve lane operations, AdamW one more for the
decay of w."""

DESCENTS = {"gd": MULTIPLY_ADD, "momentum": STATE_MOMENTUM, "adam": STATE_ADAM}
"""How a state follows its gradient."""

DESCENT_WORDS = {"gd": 0, "momentum": 1, "adam": 2}
"""Moments per state, kept while a batch relaxes."""

OPTIMISER_WORDS = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}
"""State words per parameter that the optimiser keeps between updates."""


def update_kernel(optimiser: str, *, master: bool) -> Kernel:
    """From (w, g) and the optimiser's moments to w and moments.

    ``master``: w are master weights, of which the weights that products read are a rounded copy.
    """
    stepped = Words(master=1) if master else Words(weight=1)
    moments = Words(optimiser=OPTIMISER_WORDS[optimiser])
    rounded = Words(weight=1) if master else Words()
    return Kernel(
        (OPTIMISERS[optimiser],),
        reads=stepped + Words(accumulate=1) + moments,
        writes=stepped + moments + rounded,
    )
