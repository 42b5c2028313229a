"""Steps on each value by itself, fused into one pass each.

tanh, relu, leaky_relu and gelu are those of ``kernels/activations.py``. Of silu and gelu, forward makes the slope
along with the value, as both take the same exponential or tanh.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pcsim.compiled.jit import jit
from pcsim.engine.kernels.activations import activate, tanh, times_derivative
from pcsim.engine.kernels.layout import LEAKY_RELU, RELU, TANH
from pcsim.engine.operators.operation import Operation
from pcsim.network import Term
from pcsim.network.operators import Operator, Shape

_GELU_INNER = math.sqrt(2.0 / math.pi)
_GELU_CUBIC = 0.044715


class _Pointwise(Operation):
    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        self.out, self.pulled = self.room(term.gives), self.room(term.reads)


class _ByCode(_Pointwise):
    """An activation of the chains' kernels; keeps its value, from which its slope follows."""

    code: ClassVar[int]

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        activate(self.code, value.reshape(-1), out.reshape(-1))
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled, a = self.pulled[: len(d)], self.out[: len(d)].reshape(-1)
        times_derivative(self.code, d.reshape(-1), a, a, pulled.reshape(-1))
        return pulled


class TanhOperation(_ByCode):
    code = TANH


class ReluOperation(_ByCode):
    code = RELU
    selects = passes = True


class LeakyReluOperation(_ByCode):
    code = LEAKY_RELU


class SigmoidOperation(_Pointwise):
    """Keeps its value a; the slope is a (1 - a)."""

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        sigmoid(value.reshape(-1), out.reshape(-1))
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled, a = self.pulled[: len(d)], self.out[: len(d)]
        times_sigmoid_slope(d.reshape(-1), a.reshape(-1), pulled.reshape(-1))
        return pulled


class HardTanhOperation(_Pointwise):
    """Keeps its value a; the slope is 1 strictly between -1 and 1, else 0."""

    passes = True

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        np.clip(value, -1.0, 1.0, out=out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled, a = self.pulled[: len(d)], self.out[: len(d)]
        np.multiply(d, np.abs(a) < 1.0, out=pulled)
        return pulled


class _WithSlope(_Pointwise):
    """An activation whose slope is made along with its value, and kept."""

    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        self.slope = self.room(term.reads)

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        np.multiply(d, self.slope[: len(d)], out=pulled)
        return pulled


class SiluOperation(_WithSlope):
    def forward(self, value: np.ndarray) -> np.ndarray:
        out, slope = self.out[: len(value)], self.slope[: len(value)]
        silu(value.reshape(-1), out.reshape(-1), slope.reshape(-1))
        return out


class GeluOperation(_WithSlope):
    def forward(self, value: np.ndarray) -> np.ndarray:
        out, slope = self.out[: len(value)], self.slope[: len(value)]
        gelu(value.reshape(-1), out.reshape(-1), slope.reshape(-1))
        return out


class ScaleOperation(_Pointwise):
    """A fixed factor; keeps nothing."""

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        np.multiply(value, self.dtype.type(self.settings.by), out=out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        np.multiply(d, self.dtype.type(self.settings.by), out=pulled)
        return pulled


class PositionOperation(_Pointwise):
    """Adds what is learnt of each place; keeps nothing."""

    passes = True

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        np.add(value, self.weights["weight"], out=out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        return d

    def gradient(self, d: np.ndarray, into: Mapping[str, np.ndarray]) -> None:
        into["weight"] += d.sum(axis=0)

    @staticmethod
    def initial(
        random: np.random.Generator, operator: Operator, reads: Shape, name: str, shape: Shape
    ) -> np.ndarray:
        """From N(0, 0.02^2), as in vision transformers (arXiv 2010.11929)."""
        return 0.02 * random.standard_normal(shape)


@jit
def sigmoid(z: np.ndarray, a: np.ndarray) -> None:
    """a = 1 / (1 + exp(-z))."""
    one = z.dtype.type(1)
    for i in range(z.size):
        a[i] = one / (one + np.exp(-z[i]))


@jit
def times_sigmoid_slope(d: np.ndarray, a: np.ndarray, pulled: np.ndarray) -> None:
    """pulled = d a (1 - a)."""
    one = a.dtype.type(1)
    for i in range(a.size):
        pulled[i] = d[i] * a[i] * (one - a[i])


@jit
def silu(z: np.ndarray, a: np.ndarray, slope: np.ndarray) -> None:
    """a = z s with s = sigmoid(z), and slope = s (1 + z (1 - s))."""
    one = z.dtype.type(1)
    for i in range(z.size):
        s = one / (one + np.exp(-z[i]))
        a[i] = z[i] * s
        slope[i] = s * (one + z[i] * (one - s))


@jit
def gelu(z: np.ndarray, a: np.ndarray, slope: np.ndarray) -> None:
    """a = z/2 (1 + t) with t = tanh(sqrt(2/pi) (z + 0.044715 z^3)), and its derivative."""
    real = z.dtype.type
    half, one = real(0.5), real(1.0)
    inner, cubic, steep = real(_GELU_INNER), real(_GELU_CUBIC), real(3.0 * _GELU_CUBIC)
    for i in range(z.size):
        x = z[i]
        square = x * x
        t = tanh(inner * (x + cubic * square * x))
        a[i] = half * x * (one + t)
        slope[i] = half * (one + t) + half * x * (one - t * t) * inner * (one + steep * square)
