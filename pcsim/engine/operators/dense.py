"""A fully connected step on the last axis, as products of all rows at once: y = x W^T + b."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.engine.operators.operation import Operation
from pcsim.network import Term


class DenseOperation(Operation):
    """Keeps its input. The pull is d W, the gradient d^T x, summed over samples and tokens."""

    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        self.out, self.pulled = self.room(term.gives), self.room(term.reads)
        self.product = np.empty((term.gives[-1], term.reads[-1]), self.dtype)
        self.value = self.pulled

    def forward(self, value: np.ndarray) -> np.ndarray:
        self.value = value
        out = self.out[: len(value)]
        product(value, self.weights["weight"], self.weights.get("bias"), out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        np.matmul(_rows(d), self.weights["weight"], out=_rows(pulled))
        return pulled

    def gradient(self, d: np.ndarray, into: Mapping[str, np.ndarray]) -> None:
        add_gradient(d, self.value, into["weight"], into.get("bias"), self.product)


def product(
    value: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, out: np.ndarray
) -> None:
    """out = value W^T + b, over the last axis; W is (out, in)."""
    rows = _rows(out)
    np.matmul(_rows(value), weight.T, out=rows)
    if bias is not None:
        rows += bias


def add_gradient(
    d: np.ndarray,
    value: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    room: np.ndarray,
) -> None:
    """Add d^T value to ``weight`` and the sum of d to ``bias``; ``room`` is as large as ``weight``."""
    np.matmul(_rows(d).T, _rows(value), out=room)
    weight += room
    if bias is not None:
        bias += _rows(d).sum(axis=0)


def _rows(array: np.ndarray) -> np.ndarray:
    """(n, ..., features) as (rows, features), the same memory."""
    return array.reshape(-1, array.shape[-1])
