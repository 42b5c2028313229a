"""The same values in another shape."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.engine.operators.operation import Operation
from pcsim.network import Term


class FlattenOperation(Operation):
    """The same memory, seen as rows; keeps nothing."""

    selects = passes = True

    def forward(self, value: np.ndarray) -> np.ndarray:
        return value.reshape(len(value), *self.gives)

    def pull(self, d: np.ndarray) -> np.ndarray:
        return d.reshape(len(d), *self.reads)


class _Moved(Operation):
    """Copies between two views of the same values: one of its input, one of its output."""

    selects = passes = True

    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        self.out, self.pulled = self.room(term.gives), self.room(term.reads)

    def inside(self, value: np.ndarray) -> np.ndarray:
        """A view of (n, *reads) whose axes are in the order of the output."""
        raise NotImplementedError

    def forward(self, value: np.ndarray) -> np.ndarray:
        out, view = self.out[: len(value)], self.inside(value)
        out.reshape(view.shape)[:] = view
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        view = self.inside(pulled)
        view[:] = d.reshape(view.shape)
        return pulled


class TokensOperation(_Moved):
    """(channels, height, width) becomes (height width, channels)."""

    def inside(self, value: np.ndarray) -> np.ndarray:
        return value.reshape(len(value), self.reads[0], -1).transpose(0, 2, 1)


class PatchesOperation(_Moved):
    """(channels, height, width) becomes (squares, channels size^2)."""

    def inside(self, value: np.ndarray) -> np.ndarray:
        channels, height, width = self.reads
        side = self.settings.size
        squares = value.reshape(len(value), channels, height // side, side, width // side, side)
        return squares.transpose(0, 2, 4, 1, 3, 5)
