"""Convolution of images: each filter looks at a window that moves over the image.

It is the cross-correlation that the field calls convolution: out[f, i, j] = b_f + sum over the window of
w[f, c, a, b] in[c, stride i + a - padding, stride j + b - padding].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pcsim.network.operators.operator import (
    IMAGE,
    Flag,
    Operator,
    Shape,
    ShapeError,
    Whole,
    attribute,
    needs,
    shape_text,
    size,
)


@dataclass(frozen=True)
class Conv2d(Operator):
    """``filters`` windows of ``kernel`` x ``kernel``. With ``groups`` g, filters see one g-th of the channels each.

    As many groups as channels is a depthwise convolution.
    """

    name: ClassVar[str] = "conv2d"
    filters: int = attribute(Whole(1))
    kernel: int = attribute(Whole(1, 1024))
    stride: int = attribute(Whole(1, 1024), default=1)
    padding: int = attribute(Whole(0, 1024), default=0)
    groups: int = attribute(Whole(1), default=1)
    bias: bool = attribute(Flag(), default=True)

    def shape(self, given: Shape) -> Shape:
        needs(IMAGE, given, self.name)
        channels = given[0]
        for what, count in (("channels", channels), ("filters", self.filters)):
            if count % self.groups:
                raise ShapeError(
                    f"conv2d of {self.groups} groups needs {what} that {self.groups} divides, and has {count}"
                )
        return (self.filters, *windows(given, self.kernel, self.stride, self.padding, self.name))

    def parameters(self, given: Shape) -> dict[str, Shape]:
        window = (self.filters, given[0] // self.groups, self.kernel, self.kernel)
        found: dict[str, Shape] = {"weight": window}
        return found | {"bias": (self.filters,)} if self.bias else found

    def macs(self, given: Shape) -> int:
        return size(self.shape(given)) * self.fan_in(given, "weight")

    def longest_sum(self, given: Shape) -> int:
        return max(given[0], self.filters) // self.groups * self.kernel**2

    def repeats(self, given: Shape) -> int:
        return size(self.shape(given)[1:])

    def fan_in(self, given: Shape, parameter: str) -> int:
        return given[0] // self.groups * self.kernel**2


def windows(given: Shape, kernel: int, stride: int, padding: int, name: str) -> tuple[int, int]:
    """How many windows lie below one another and side by side: floor((side + 2 padding - kernel) / stride) + 1.

    Raises:
        ShapeError: the window is larger than the padded image.
    """
    sides = tuple((side + 2 * padding - kernel) // stride + 1 for side in given[1:])
    if min(sides) < 1:
        with_padding = f" with {padding} of padding" if padding else ""
        raise ShapeError(
            f"{name} with a window of {kernel} x {kernel} needs an image at least as large, and is given "
            f"{shape_text(given[1:])}{with_padding}"
        )
    return sides[0], sides[1]
