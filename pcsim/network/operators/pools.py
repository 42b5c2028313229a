"""Pooling: a window becomes its largest value or its mean; or a whole image or sequence becomes its mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from pcsim.network.operators.conv2d import windows
from pcsim.network.operators.operator import (
    IMAGE,
    SEQUENCE,
    Operator,
    Shape,
    Whole,
    attribute,
    needs,
)


@dataclass(frozen=True)
class _Pool(Operator):
    kernel: int = attribute(Whole(1, 1024))
    stride: int = attribute(Whole(1, 1024), default=0)

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """``stride`` is that of the file, else as large as the window, so that windows do not overlap."""
        found = super().of(given)
        return found if found.stride else cls(found.kernel, found.kernel)

    def shape(self, given: Shape) -> Shape:
        needs(IMAGE, given, self.name)
        return (given[0], *windows(given, self.kernel, self.stride, 0, self.name))


@dataclass(frozen=True)
class MaxPool(_Pool):
    """The largest value of each window, of equal ones the first."""

    name: ClassVar[str] = "max_pool"


@dataclass(frozen=True)
class AvgPool(_Pool):
    """The mean of each window."""

    name: ClassVar[str] = "avg_pool"


@dataclass(frozen=True)
class GlobalAvgPool(Operator):
    """The mean of each channel over the whole image."""

    name: ClassVar[str] = "global_avg_pool"

    def shape(self, given: Shape) -> Shape:
        needs(IMAGE, given, self.name)
        return (given[0],)


@dataclass(frozen=True)
class MeanTokens(Operator):
    """The mean of each feature over all tokens."""

    name: ClassVar[str] = "mean_tokens"

    def shape(self, given: Shape) -> Shape:
        needs(SEQUENCE, given, self.name)
        return (given[1],)
