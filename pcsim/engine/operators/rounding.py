"""In which numbers do the operators of a graph compute, and by which random bits are their values rounded?

A value is named by what it is (a tensor of ``kernels/arithmetic.py``) and by a number: of a node, a product or a
place among the terms. A chain's layer l has node l and product l, so that its bits are those of the chains' kernels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pcsim.engine.kernels.arithmetic import ACTIVITY as ACTIVITY
from pcsim.engine.kernels.arithmetic import (
    EVALUATING,
    OUTCOME,
    SUMS_BACK,
    TENSORS,
    Arithmetic,
)
from pcsim.engine.kernels.rounded_samples import Cells, round_samples
from pcsim.engine.numerics.coding import EXACT, Code
from pcsim.engine.numerics.quantise import quantise
from pcsim.engine.numerics.random_bits import stream

PRODUCTS = {"dense": 1, "conv2d": 1, "attention": 8}
"""Products of an operator that have numbers of their own."""
SITES = 8
"""Values inside of a term that are written, at most."""
_STEP_BITS = 20
_PART_BITS = 40


NO_CELLS = Cells(False, 0.0, 0, np.uint64(0))

Seen = dict[str, dict[str, np.ndarray]]
"""Weights as they are seen from the other side, by place and name."""


class TermPlace(NamedTuple):
    """The numbers of one term: of its (first) product, of the values written in it, and of where it stands."""

    product: int  # from 1; 0 where it has none
    products: int  # of the graph
    site: int
    direct: bool  # whether it reads the input itself
    factor: float  # of its gradients, where the optimiser does not know it


class Rounding:
    """The number formats of a graph's values, at one moment of its training.

    ``places`` are by the place of a term; sums of branches are numbered behind ``sums_from``.
    ``seen`` are the weights as read through W^T, ``largest`` the largest weight of analog cells by place and name.
    ``step`` is the inference step, ``part`` which piece of an evaluation. ``open_sums`` says that what comes
    back to a node is written once it is summed up, and not reader by reader.
    """

    def __init__(self, numbers: Arithmetic, places: dict[str, TermPlace], sums_from: int) -> None:
        self.numbers, self.places, self.sums_from = numbers, places, sums_from
        self.seen: Seen = {}
        self.largest: dict[tuple[str, str], float] = {}
        self.narrow = bool(numbers.narrow)
        self.update, self.step, self.part = 0, 0, 0
        self.open_sums = False

    def sum_site(self, node: int) -> int:
        """The number of the sum of a node's branches, where something reads that."""
        return self.sums_from + node

    def at(self, update: int, step: int, part: int = 0) -> None:
        """The moment to which the random numbers of what follows belong."""
        self.update, self.step, self.part = update, step, part

    def key(self, tensor: int, number: int, *, step: int | None = None) -> np.uint64:
        """The random bits of a value at this moment, or at another ``step`` of the same update."""
        now = (self.update << _STEP_BITS) + (self.step if step is None else step) + 2
        which = number * int(TENSORS) + int(tensor) + (self.part << _PART_BITS)
        return np.uint64(stream(self.numbers.seed, which, now))

    def cells(self, tensor: int, number: int, weights: tuple[str, str]) -> Cells:
        """How a product by ``weights``, a place and a name, reads them."""
        numbers = self.numbers
        if not numbers.analog:
            return NO_CELLS
        now = (self.update << _STEP_BITS) + self.step + 2
        which = number + (self.part << _PART_BITS)
        key = np.uint64(stream(numbers.read_seed, which, 2 * now + (tensor == int(SUMS_BACK))))
        deviation = numbers.read_noise * self.largest[weights]
        return Cells(True, float(deviation), int(numbers.adc_bits), key)

    def state(self, values: np.ndarray, tensor: int, number: int) -> None:
        """Round (n, ...) inputs, predictions, states or activities in place."""
        self._round(values, self.numbers.state, tensor, number, None)

    def error(
        self, values: np.ndarray, tensor: int, number: int, *, step: int | None = None
    ) -> None:
        """Round (n, ...) errors, or what comes back, in place."""
        self._round(values, self.numbers.error, tensor, number, step)

    def moments(self, values: np.ndarray, tensor: int, number: int) -> None:
        """Round (n, ...) moments of states in place."""
        self._round(values, self.numbers.optimiser, tensor, number, None)

    def sums(self, values: np.ndarray, tensor: int, number: int) -> None:
        """Round sums or gradients in place, where the accumulator is narrower than the carrier."""
        if self.narrow:
            key = self.key(tensor, number)
            quantise(values.reshape(-1), self.numbers.accumulate, key, 0, 1)

    @property
    def trailing(self) -> int:
        """Which tensor an activation gives that ends a prediction: in a feed-forward pass an activity, as of chains."""
        return int(ACTIVITY if self.step in (0, int(EVALUATING)) else OUTCOME)

    def _round(
        self, values: np.ndarray, code: Code, tensor: int, number: int, step: int | None
    ) -> None:
        if code.kind == EXACT or not values.size:
            return
        key = self.key(tensor, number, step=step) if code.stochastic else np.uint64(0)
        round_samples(values.reshape(len(values), -1), code, key)
