"""Attention: A = softmax(q k^T / sqrt(w)), then A v through o; for each head of width w.

On the way back (arXiv 1706.03762, differentiated), with dM = d W_o in the place of d:

    dA = dM v^T,  dS = A * (dA - rowsum(dA * A)) / sqrt(w)
    dq = dS k,  dk = dS^T q,  dv = A^T dM,  pull = dq W_q + dk W_k + dv W_v
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from pcsim.compiled.jit import jit
from pcsim.engine.operators.dense import add_gradient, product
from pcsim.engine.operators.operation import Operation
from pcsim.network import Term


class AttentionOperation(Operation):
    """Keeps its input, queries, keys, values, the weights of the mean, and the mean itself."""

    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        tokens, width = term.reads
        heads = self.settings.heads
        self.scale = 1.0 / math.sqrt(width // heads)
        self.out, self.pulled, self.mixed = (self.room(term.reads) for _ in range(3))
        self.q, self.k, self.v = (self.room(term.reads) for _ in range(3))
        self.d_mixed, self.d_q, self.d_k, self.d_v = (self.room(term.reads) for _ in range(4))
        self.parts, self.d_parts = (self.room((heads, tokens, tokens)) for _ in range(2))
        self.product = np.empty((width, width), self.dtype)
        self.value = self.pulled

    def forward(self, value: np.ndarray) -> np.ndarray:
        count = len(value)
        self.value = value
        for name, into in (("q", self.q), ("k", self.k), ("v", self.v)):
            self._project(name, value, into[:count])
        parts = self.parts[:count]
        np.matmul(self._heads(self.q[:count]), turned_heads(self._heads(self.k[:count])), out=parts)
        softmax(parts, self.scale, self.settings.causal)
        np.matmul(parts, self._heads(self.v[:count]), out=self._heads(self.mixed[:count]))
        out = self.out[:count]
        self._project("o", self.mixed[:count], out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        self._back(d)
        count, width = len(d), d.shape[-1]
        pulled = self.pulled[:count]
        rows, room = pulled.reshape(-1, width), self.d_mixed[:count].reshape(-1, width)
        np.matmul(self.d_q[:count].reshape(-1, width), self.weights["q_weight"], out=rows)
        for name, part in (("k", self.d_k), ("v", self.d_v)):
            np.matmul(part[:count].reshape(-1, width), self.weights[f"{name}_weight"], out=room)
            rows += room
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
            bias = into.get(f"{name}_bias")
            add_gradient(errors, value, into[f"{name}_weight"], bias, self.product)

    def _project(self, name: str, value: np.ndarray, out: np.ndarray) -> None:
        product(value, self.weights[f"{name}_weight"], self.weights.get(f"{name}_bias"), out)

    def _back(self, d: np.ndarray) -> None:
        """dq, dk and dv."""
        count, width = len(d), d.shape[-1]
        d_mixed, parts, d_parts = self.d_mixed[:count], self.parts[:count], self.d_parts[:count]
        np.matmul(d.reshape(-1, width), self.weights["o_weight"], out=d_mixed.reshape(-1, width))
        mixed = self._heads(d_mixed)
        np.matmul(mixed, turned_heads(self._heads(self.v[:count])), out=d_parts)
        np.matmul(turned_heads(parts), mixed, out=self._heads(self.d_v[:count]))
        softmax_back(parts, d_parts, self.scale)
        np.matmul(d_parts, self._heads(self.k[:count]), out=self._heads(self.d_q[:count]))
        np.matmul(
            turned_heads(d_parts), self._heads(self.q[:count]), out=self._heads(self.d_k[:count])
        )

    def _heads(self, value: np.ndarray) -> np.ndarray:
        """(n, tokens, width) as (n, heads, tokens, width of a head), the same memory."""
        count, tokens, width = value.shape
        heads = self.settings.heads
        return value.reshape(count, tokens, heads, width // heads).transpose(0, 2, 1, 3)


def turned_heads(matrices: np.ndarray) -> np.ndarray:
    """The last two axes exchanged, the same memory."""
    return matrices.swapaxes(-1, -2)


@jit
def softmax(parts: np.ndarray, scale: float, causal: bool) -> None:
    """In place over the last axis of (n, heads, tokens, tokens), after a factor; causal: 0 behind the diagonal."""
    tokens = parts.shape[3]
    rows = parts.reshape(parts.size // tokens, tokens)
    factor, zero = parts.dtype.type(scale), parts.dtype.type(0)
    for r in range(rows.shape[0]):
        line = rows[r]
        seen = r % tokens + 1 if causal else tokens
        top = line[0]
        for j in range(seen):
            top = max(top, line[j])
        for j in range(seen):
            line[j] = np.exp((line[j] - top) * factor)
        total = zero
        for j in range(seen):
            total += line[j]
        for j in range(seen):
            line[j] /= total
        for j in range(seen, tokens):
            line[j] = zero


@jit
def softmax_back(parts: np.ndarray, d_parts: np.ndarray, scale: float) -> None:
    """d_parts becomes parts * (d_parts - rowsum(d_parts * parts)) times the factor."""
    tokens = parts.shape[3]
    rows = parts.reshape(parts.size // tokens, tokens)
    d_rows = d_parts.reshape(parts.size // tokens, tokens)
    factor, zero = parts.dtype.type(scale), parts.dtype.type(0)
    for r in range(rows.shape[0]):
        line, d_line = rows[r], d_rows[r]
        along = zero
        for j in range(tokens):
            along += line[j] * d_line[j]
        for j in range(tokens):
            d_line[j] = line[j] * (d_line[j] - along) * factor
