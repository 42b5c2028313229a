"""What is an operator? One step inside a prediction, as its shape and its parameters.

An operator is what a file says: ``conv2d`` with 16 filters of 3 x 3. It knows which shape it makes of which, and
what it has to learn. What it computes is in ``engine/operators``, what work that is in ``program/operators``,
one file of the same name each.

Shapes are those of one sample: (channels, height, width) of images, (tokens, features) of sequences, (features,)
else. Adding an operator of your own: docs/operators.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, Self

Shape = tuple[int, ...]

IMAGE, SEQUENCE = 3, 2
"""Dimensions of the shape of an image (channels, height, width) and of a sequence (tokens, features)."""


class ShapeError(ValueError):
    """An operator cannot take a shape; says which it needs and which it is given."""


class AttributeProblem(ValueError):
    """A wrong attribute of an operator: ``key`` and what is said of it."""

    def __init__(self, key: str, constraint: str, value: object, *, unknown: bool = False) -> None:
        super().__init__(f"{key} must be {constraint}, not {value!r}")
        self.key, self.constraint, self.value, self.unknown = key, constraint, value, unknown


@dataclass(frozen=True)
class Whole:
    """An attribute that is a whole number within bounds."""

    minimum: int
    maximum: int = 65_536

    @property
    def constraint(self) -> str:
        return f"a whole number between {self.minimum} and {self.maximum}"

    def admits(self, value: object) -> bool:
        return type(value) is int and self.minimum <= value <= self.maximum


@dataclass(frozen=True)
class Flag:
    """An attribute that is true or false."""

    constraint: str = "true or false"

    def admits(self, value: object) -> bool:
        return isinstance(value, bool)


@dataclass(frozen=True)
class Real:
    """An attribute that is a finite number: any, or one above 0."""

    positive: bool = True

    @property
    def constraint(self) -> str:
        return "a finite number above 0" if self.positive else "a finite number"

    def admits(self, value: object) -> bool:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            return False
        return value > 0 or not self.positive


Attribute = Whole | Flag | Real


def attribute(kind: Attribute, **default: Any) -> Any:
    """A field of an operator that files may set; without a default they must."""
    return field(metadata={"attribute": kind}, **default)


@dataclass(frozen=True)
class Operator:
    """One step inside a prediction; subclasses say what it is called in files and what it does to shapes.

    ``name`` is the word of files. ``inward`` tells whether the operator mixes the units of a sample; one that does not
    works on each value by itself.
    """

    name: ClassVar[str] = ""

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """The operator that a file's attributes describe.

        Raises:
            ExceptionGroup: of AttributeProblem, one for every attribute that is wrong, unknown or missing.
        """
        known = cls.attributes()
        problems = [
            AttributeProblem(str(key), "a known attribute", key, unknown=True)
            for key in given
            if key not in known
        ]
        problems += [
            AttributeProblem(key, f"given, {kind.constraint},", None)
            for key, (kind, required) in known.items()
            if required and key not in given
        ]
        problems += [
            AttributeProblem(key, known[key][0].constraint, value)
            for key, value in given.items()
            if key in known and not known[key][0].admits(value)
        ]
        if problems:
            raise ExceptionGroup(f"attributes of {cls.name}", problems)
        return cls(**given)

    @classmethod
    def attributes(cls) -> dict[str, tuple[Attribute, bool]]:
        """What files may set: the kind of each attribute, and whether it is required."""
        return {
            each.name: (each.metadata["attribute"], _is_required(each))
            for each in fields(cls)
            if "attribute" in each.metadata
        }

    def shape(self, given: Shape) -> Shape:
        """The shape that it makes of ``given``. Raises ShapeError where it cannot take that."""
        return given

    def parameters(self, given: Shape) -> dict[str, Shape]:
        """What it learns, by name, where its input has shape ``given``."""
        return {}

    def fan_in(self, given: Shape, parameter: str) -> int:
        """How many values enter a sum that ``parameter`` is part of; initialisations go by it."""
        return 1

    def longest_sum(self, given: Shape) -> int:
        """The most products that one value adds up, forward or on the way back."""
        return 1

    def repeats(self, given: Shape) -> int:
        """How many products of one sample a gradient by the weights adds up."""
        return 1

    def macs(self, given: Shape) -> int:
        """Multiply-accumulates of its products, forward, of one sample."""
        return 0

    def __str__(self) -> str:
        """As one line of a listing: ``conv2d 16 filters 3 x 3``."""
        said = [
            f"{each.name} {getattr(self, each.name)}"
            for each in fields(self)
            if "attribute" in each.metadata and getattr(self, each.name) != each.default
        ]
        return " ".join([self.name, *said])


def _is_required(each: Field[Any]) -> bool:
    from dataclasses import MISSING

    return each.default is MISSING and each.default_factory is MISSING


def needs(dimensions: int, given: Shape, name: str) -> None:
    """Refuse an input of another kind than ``dimensions`` says.

    Raises:
        ShapeError: naming both kinds.
    """
    kinds = {
        1: "features (n,)",
        SEQUENCE: "a sequence (tokens, features)",
        IMAGE: "an image (channels, height, width)",
    }
    if len(given) != dimensions:
        raise ShapeError(f"{name} needs {kinds[dimensions]}, and is given {shape_text(given)}")


def shape_text(shape: Shape) -> str:
    """``16 x 28 x 28``; of features alone their number."""
    return " x ".join(map(str, shape))


def size(shape: Shape) -> int:
    """Values of one sample."""
    return math.prod(shape)
