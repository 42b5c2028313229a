"""A fully connected step whose three products are those of the chip's numbers, one after the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.engine.operators.dense import DenseOperation
from pcsim.engine.operators.rounded_operation import RoundedOperation


class RoundedDense(RoundedOperation, DenseOperation):
    """As ``DenseOperation``; sums are rounded to the accumulator, results by whoever calls."""

    def forward(self, value: np.ndarray) -> np.ndarray:
        self.value = value
        out = self.out[: len(value)]
        self.products.forward(value, out, number=self.place.product, direct=self.place.direct)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        self.products.backward(d, pulled, number=self.place.product)
        return pulled

    def gradient(self, d: np.ndarray, into: Mapping[str, np.ndarray]) -> None:
        number, direct = self.place.product, self.place.direct
        weight, bias = into["weight"], into.get("bias")
        self.products.gradient(
            d, self.value, weight, bias, self.product, number=number, direct=direct
        )
