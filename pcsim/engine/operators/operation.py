"""What does an operator compute? One term of a prediction on a batch: forward, and two ways back.

An operation holds the buffers of its term for up to so many samples, and what ``forward`` keeps for the way back:
the winners of a pooling, the normalised values of a norm. So ``pull`` and ``gradient`` are those at the values that
``forward`` last met. Arrays are batch first and C-ordered, (samples, *shape of the term); the arrays that it
returns are its own buffers, good until it is called again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pcsim.network import Term
from pcsim.network.operators import Operator, Shape


class Operation:
    """One term on up to ``samples`` samples of ``dtype``.

    ``parameters`` are the term's, by name; they are read at each call, so that whoever holds the same arrays may
    change them in place. In narrow numbers what ``selects`` is not rounded again forward, and what ``passes``
    is not on the way back.
    """

    selects: ClassVar[bool] = False
    """Whether all that ``forward`` gives are values that it read, or zeros."""
    passes: ClassVar[bool] = False
    """Whether all that ``pull`` gives are values of d, or zeros."""

    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        self.reads, self.gives = term.reads, term.gives
        self.samples, self.dtype = samples, np.dtype(dtype)
        self.weights = parameters
        self.settings: Any = term.operator  # its fields are those of its own class

    def room(self, shape: Shape, dtype: Any = None) -> np.ndarray:
        """A buffer (samples, *shape), not filled."""
        return np.empty((self.samples, *shape), dtype or self.dtype)

    def forward(self, value: np.ndarray) -> np.ndarray:
        """(n, *reads) becomes (n, *gives)."""
        raise NotImplementedError

    def pull(self, d: np.ndarray) -> np.ndarray:
        """J^T d at what ``forward`` met: (n, *gives) becomes (n, *reads)."""
        raise NotImplementedError

    def gradient(self, d: np.ndarray, into: Mapping[str, np.ndarray]) -> None:
        """Add the derivative of <d, forward> by each parameter to ``into``, which has it by name."""

    @staticmethod
    def initial(
        random: np.random.Generator, operator: Operator, reads: Shape, name: str, shape: Shape
    ) -> np.ndarray:
        """The parameter ``name`` before learning, float64: U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
        return random.uniform(-1.0, 1.0, shape) / np.sqrt(operator.fan_in(reads, name))
