"""Normalisation over the last axis, each token or sample by itself.

Batch normalisation is left out: it would mix the samples of a batch within an inference step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pcsim.network.operators.operator import Operator, Real, Shape, attribute


@dataclass(frozen=True)
class LayerNorm(Operator):
    """g (x - mean) / sqrt(variance + eps) + b, with the biased variance (arXiv 1607.06450)."""

    name: ClassVar[str] = "layer_norm"
    eps: float = attribute(Real(), default=1e-5)

    def parameters(self, given: Shape) -> dict[str, Shape]:
        return {"weight": (given[-1],), "bias": (given[-1],)}


@dataclass(frozen=True)
class RmsNorm(Operator):
    """g x / sqrt(mean of squares + eps) (arXiv 1910.07467)."""

    name: ClassVar[str] = "rms_norm"
    eps: float = attribute(Real(), default=1e-5)

    def parameters(self, given: Shape) -> dict[str, Shape]:
        return {"weight": (given[-1],)}
