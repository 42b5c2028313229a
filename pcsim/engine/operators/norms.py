"""Normalisation over the last axis, row by row, and its derivative.

With the normalised v = (x - m) / s, where s = sqrt(variance + eps), and c = g d, of layer norm

    pull = (c - mean(c) - v mean(c v)) / s        gradient: by g the sum of d v, by b the sum of d

(arXiv 1607.06450). RMS norm has m = 0 and lacks the mean of c. Sums are of float64 whatever the dtype.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from pcsim.compiled.jit import jit
from pcsim.engine.operators.operation import Operation
from pcsim.network import Term
from pcsim.network.operators import Operator, Shape


class _Norm(Operation):
    """Keeps the normalised values, and 1 / s of each row."""

    centred = True

    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        self.out, self.pulled = self.room(term.gives), self.room(term.reads)
        self.normal, self.inverse = self.room(term.reads), self.room(term.reads[:-1])
        self.no_bias = np.empty(0, self.dtype)

    def forward(self, value: np.ndarray) -> np.ndarray:
        count, width = len(value), value.shape[-1]
        out = self.out[:count]
        normalise(
            value.reshape(-1, width),
            self.weights["weight"],
            self.weights.get("bias", self.no_bias),
            float(self.settings.eps),
            self.centred,
            self.normal[:count].reshape(-1, width),
            self.inverse[:count].reshape(-1),
            out.reshape(-1, width),
        )
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        count, width = len(d), d.shape[-1]
        pulled = self.pulled[:count]
        pull_back(
            d.reshape(-1, width),
            self.weights["weight"],
            self.centred,
            self.normal[:count].reshape(-1, width),
            self.inverse[:count].reshape(-1),
            pulled.reshape(-1, width),
        )
        return pulled

    def gradient(self, d: np.ndarray, into: Mapping[str, np.ndarray]) -> None:
        rows = d.reshape(-1, d.shape[-1])
        normal = self.normal[: len(d)].reshape(rows.shape)
        into["weight"] += np.einsum("ij,ij->j", rows, normal)
        if "bias" in into:
            into["bias"] += rows.sum(axis=0)

    @staticmethod
    def initial(
        random: np.random.Generator, operator: Operator, reads: Shape, name: str, shape: Shape
    ) -> np.ndarray:
        """Weights 1, biases 0."""
        return np.ones(shape) if name == "weight" else np.zeros(shape)


class LayerNormOperation(_Norm):
    """g (x - m) / s + b."""


class RmsNormOperation(_Norm):
    """g x / s."""

    centred = False


@jit
def normalise(
    value: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    eps: float,
    centred: bool,
    normal: np.ndarray,
    inverse: np.ndarray,
    out: np.ndarray,
) -> None:
    """normal, out (rows, width) and inverse (rows,) of value (rows, width); ``bias`` may be empty."""
    rows, width = value.shape
    for r in range(rows):
        line = value[r]
        mean = 0.0
        if centred:
            for j in range(width):
                mean += float(line[j])
            mean /= width
        squares = 0.0
        for j in range(width):
            squares += (float(line[j]) - mean) ** 2
        scale = 1.0 / math.sqrt(squares / width + eps)
        inverse[r] = scale
        middle, size = value.dtype.type(mean), value.dtype.type(scale)
        for j in range(width):
            normal[r, j] = (line[j] - middle) * size
        if bias.size:
            for j in range(width):
                out[r, j] = normal[r, j] * weight[j] + bias[j]
        else:
            for j in range(width):
                out[r, j] = normal[r, j] * weight[j]


@jit
def pull_back(
    d: np.ndarray,
    weight: np.ndarray,
    centred: bool,
    normal: np.ndarray,
    inverse: np.ndarray,
    pulled: np.ndarray,
) -> None:
    """pulled (rows, width) of d (rows, width)."""
    rows, width = d.shape
    for r in range(rows):
        total, along = 0.0, 0.0
        for j in range(width):
            part = float(d[r, j] * weight[j])
            total += part
            along += part * float(normal[r, j])
        mean = d.dtype.type(total / width if centred else 0.0)
        slope = d.dtype.type(along / width)
        size = inverse[r]
        for j in range(width):
            pulled[r, j] = (d[r, j] * weight[j] - mean - normal[r, j] * slope) * size
