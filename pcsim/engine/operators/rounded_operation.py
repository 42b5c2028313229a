"""What do operators with products have in common in the chip's numbers? Where they stand, and how products round."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.engine.kernels.arithmetic import GRADIENT, SUMS, SUMS_BACK
from pcsim.engine.kernels.rounded_samples import (
    rows_backward,
    rows_forward,
    rows_gradient,
    sum_of_columns,
)
from pcsim.engine.operators.operation import Operation
from pcsim.engine.operators.rounding import Rounding
from pcsim.network import Term


class RoundedOperation(Operation):
    """Stands before the operation that a class rounds: ``class RoundedX(RoundedOperation, XOperation)``."""

    def __init__(
        self,
        term: Term,
        parameters: Mapping[str, np.ndarray],
        samples: int,
        dtype: str,
        rounding: Rounding,
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        self.at, self.rounding, self.place = term.weights, rounding, rounding.places[term.at]
        self.products = Products(term, parameters, rounding)


class Products:
    """The products of (n, ..., features) by weights (out, in), over all rows at once; ``prefix`` is of their names."""

    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], rounding: Rounding
    ) -> None:
        self.at, self.weights, self.rounding = term.weights, parameters, rounding
        self.place = rounding.places[term.at]

    def forward(
        self,
        value: np.ndarray,
        out: np.ndarray,
        *,
        number: int,
        prefix: str = "",
        direct: bool = False,
    ) -> None:
        """out = value W^T + b."""
        rows, name = rows_of(out), f"{prefix}weight"
        cells = self.rounding.cells(int(SUMS), number, (self.at, name))
        how = self._how(int(SUMS), number)
        rows_forward(self.weights[name], rows_of(value), rows, direct, cells, *how)
        if f"{prefix}bias" in self.weights:
            rows += self.weights[f"{prefix}bias"]

    def backward(self, d: np.ndarray, out: np.ndarray, *, number: int, prefix: str = "") -> None:
        """out = d W, as it is seen from there."""
        name = f"{prefix}weight"
        cells = self.rounding.cells(int(SUMS_BACK), number, (self.at, name))
        seen = self.rounding.seen[self.at][name]
        rows_backward(seen, rows_of(d), rows_of(out), cells, *self._how(int(SUMS_BACK), number))

    def gradient(
        self,
        d: np.ndarray,
        value: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray | None,
        room: np.ndarray,
        *,
        number: int,
        direct: bool = False,
    ) -> None:
        """Add d^T value to ``weight`` and the sum of d to ``bias``; ``room`` is as large as ``weight``."""
        errors, factor = rows_of(d), weight.dtype.type(self.place.factor)
        rows_gradient(errors, rows_of(value), room, direct, *self._how(int(GRADIENT), number))
        if factor != 1:
            room *= factor
        weight += room
        if bias is not None:
            sums = np.empty_like(bias)
            how = self._how(int(GRADIENT), self.place.products + number)
            sum_of_columns(np.ascontiguousarray(errors.T), sums, *how)
            if factor != 1:
                sums *= factor
            bias += sums

    def _how(self, tensor: int, number: int) -> tuple[object, ...]:
        rounding = self.rounding
        return rounding.narrow, rounding.numbers.accumulate, rounding.key(tensor, number)


def rows_of(array: np.ndarray) -> np.ndarray:
    """(n, ..., features) as (rows, features), the same memory."""
    return array.reshape(-1, array.shape[-1])
