"""Attention in the chip's numbers: every operand of a product is rounded, and the softmax between two is not.

Queries, keys, values, the softmax and the mean are states; what comes back to each of them is an error.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.engine.kernels.arithmetic import STEEP_PULL, SUMS, SUMS_BACK
from pcsim.engine.kernels.rounded_samples import narrow_products
from pcsim.engine.operators.attention import AttentionOperation, softmax, softmax_back, turned_heads
from pcsim.engine.operators.rounded_operation import RoundedOperation
from pcsim.engine.operators.rounding import ACTIVITY

NUMBERS = {"q": 0, "k": 1, "v": 2, "o": 3}
"""Of the products by weights, among those of the term."""
SCORES, MEAN, MEAN_K, MEAN_V = 4, 5, 6, 7


class RoundedAttention(RoundedOperation, AttentionOperation):
    """As ``AttentionOperation``; the results of the last product each way are rounded by whoever calls."""

    def forward(self, value: np.ndarray) -> np.ndarray:
        count = len(value)
        self.value = value
        q, k, v, parts = (each[:count] for each in (self.q, self.k, self.v, self.parts))
        for site, (name, into) in enumerate((("q", q), ("k", k), ("v", v))):
            self._project(name, value, into)
            self._state(into, site)
        self._multiply(self._heads(q), turned_heads(self._heads(k)), parts, (int(SUMS), SCORES))
        softmax(parts, self.scale, self.settings.causal)
        self._state(parts, 3)
        mixed, out = self.mixed[:count], self.out[:count]
        self._multiply(parts, self._heads(v), self._heads(mixed), (int(SUMS), MEAN))
        self._state(mixed, 4)
        self._project("o", mixed, out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        self._back(d)
        count = len(d)
        pulled, room = self.pulled[:count], self.d_mixed[:count]
        self._bring("q", self.d_q[:count], pulled)
        for name, part in (("k", self.d_k), ("v", self.d_v)):
            self._bring(name, part[:count], room)
            pulled += room
            self.rounding.sums(pulled, int(SUMS), self.place.product + 5 + NUMBERS[name])
        return pulled

    def gradient(self, d: np.ndarray, into: Mapping[str, np.ndarray]) -> None:
        self._back(d)
        count = len(d)
        for name, errors, value in (
            ("q", self.d_q[:count], self.value),
            ("k", self.d_k[:count], self.value),
            ("v", self.d_v[:count], self.value),
            ("o", d, self.mixed[:count]),
        ):
            weight, bias = into[f"{name}_weight"], into.get(f"{name}_bias")
            number = self.place.product + NUMBERS[name]
            self.products.gradient(errors, value, weight, bias, self.product, number=number)

    def _project(self, name: str, value: np.ndarray, out: np.ndarray) -> None:
        number = self.place.product + NUMBERS[name]
        self.products.forward(value, out, number=number, prefix=f"{name}_")

    def _bring(self, name: str, d: np.ndarray, out: np.ndarray) -> None:
        number = self.place.product + NUMBERS[name]
        self.products.backward(d, out, number=number, prefix=f"{name}_")

    def _back(self, d: np.ndarray) -> None:
        count = len(d)
        d_mixed, parts, d_parts = self.d_mixed[:count], self.parts[:count], self.d_parts[:count]
        d_q, d_k, d_v = self.d_q[:count], self.d_k[:count], self.d_v[:count]
        back = int(SUMS_BACK)
        self._bring("o", d, d_mixed)
        self._error(d_mixed, 0)
        mixed = self._heads(d_mixed)
        self._multiply(mixed, turned_heads(self._heads(self.v[:count])), d_parts, (back, SCORES))
        self._multiply(turned_heads(parts), mixed, self._heads(d_v), (back, MEAN_V))
        self._error(d_v, 1)
        softmax_back(parts, d_parts, self.scale)
        self._error(d_parts, 2)
        self._multiply(d_parts, self._heads(self.k[:count]), self._heads(d_q), (back, MEAN))
        self._error(d_q, 3)
        self._multiply(
            turned_heads(d_parts), self._heads(self.q[:count]), self._heads(d_k), (back, MEAN_K)
        )
        self._error(d_k, 4)

    def _state(self, values: np.ndarray, site: int) -> None:
        self.rounding.state(values, int(ACTIVITY), self.place.site + site)

    def _error(self, values: np.ndarray, site: int) -> None:
        self.rounding.error(values, int(STEEP_PULL), self.place.site + site)

    def _multiply(
        self, a: np.ndarray, b: np.ndarray, out: np.ndarray, which: tuple[int, int]
    ) -> None:
        """out = a b of all samples and heads, (n, heads, ., .)."""
        if not self.rounding.narrow:
            np.matmul(a, b, out=out)
            return
        tensor, number = which
        key = self.rounding.key(tensor, self.place.product + number)
        found = np.empty((out.shape[0] * out.shape[1], *out.shape[2:]), self.dtype)
        left, right = (np.ascontiguousarray(each).reshape(-1, *each.shape[2:]) for each in (a, b))
        narrow_products(left, right, found, self.rounding.numbers.accumulate, key)
        out[:] = found.reshape(out.shape)
