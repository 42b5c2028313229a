"""The same values in another shape; nothing is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pcsim.network.operators.operator import (
    IMAGE,
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
class Flatten(Operator):
    """All values in a row, of images channel by channel."""

    name: ClassVar[str] = "flatten"

    def shape(self, given: Shape) -> Shape:
        return (size(given),)


@dataclass(frozen=True)
class Tokens(Operator):
    """(channels, height, width) becomes (height width, channels): every place a token."""

    name: ClassVar[str] = "tokens"

    def shape(self, given: Shape) -> Shape:
        needs(IMAGE, given, self.name)
        return (given[1] * given[2], given[0])


@dataclass(frozen=True)
class Patches(Operator):
    """Cuts an image into squares of ``size`` x ``size``: (tokens, channels size^2), each channel after channel."""

    name: ClassVar[str] = "patches"
    size: int = attribute(Whole(1, 4096))

    def shape(self, given: Shape) -> Shape:
        needs(IMAGE, given, self.name)
        channels, height, width = given
        if height % self.size or width % self.size:
            raise ShapeError(
                f"patches of {self.size} x {self.size} need an image that they divide, and are given "
                f"{shape_text(given[1:])}"
            )
        return (height // self.size * (width // self.size), channels * self.size**2)
