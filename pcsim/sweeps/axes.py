"""Which values does a sweep try? Axes over paths of either file, and the points that they span.

Axes span a grid. Some go together, value by value; some are taken only where an earlier axis has
certain values, and elsewhere leave what the file says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pcsim.config import Mark, value_text
from pcsim.config.marks import MarkedValue, plain, show_value
from pcsim.config.yaml_marks import read_yaml
from pcsim.errors import InputError, Problem
from pcsim.sweeps.ranges import RangeError, is_range, range_values, with_units

Values = dict[str, str]
"""One point: the YAML text of the value at each path that it sets."""


@dataclass(frozen=True)
class Axis:
    """One path of a hardware or workload file and the values it takes, as YAML texts in order.

    ``marks`` are the places where the values were written.
    """

    path: str
    values: tuple[str, ...]
    marks: tuple[Mark, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Condition:
    """Holds at points where the axis ``path`` is taken and has one of ``values``.

    ``mark`` is the place where it was written.
    """

    path: str
    values: tuple[str, ...]
    mark: Mark | None = field(default=None, compare=False)


@dataclass(frozen=True)
class AxisGroup:
    """Axes that go together, value by value; most are alone. ``when`` says where they are taken."""

    axes: tuple[Axis, ...]
    when: tuple[Condition, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(axis.path for axis in self.axes)


def parse_axis(text: str) -> Axis:
    """``"pc.steps=1,3,10"``, ``"pc.steps=1..64 x2"``, ``"tiles.sram.size=256,512 KiB"`` or
    ``"network.layers=[64,32,10],[64,128,10]"``.

    Raises:
        InputError: there is no path, no value, or the values are not YAML.
    """
    path, equals, values = text.partition("=")
    path = path.strip()
    if not equals or not path or not path.isprintable() or not values.strip():
        said = f"--axis must be path=value,value,..., not {show_value(text)}"
        hint = "for example --axis tiles.vector.lanes=8,16,32"
        raise InputError((Problem(said, hint=hint),))
    node, problems = read_yaml(f"[{values}]", file="")
    if node is None or problems or not isinstance(node.value, list) or not node.value:
        said = f"--axis {path} must be YAML values with commas between, not {show_value(values)}"
        raise InputError((Problem(said),))
    values_found: list[object] = []
    for item in node.value:
        try:
            values_found += expanded(item)
        except RangeError as error:
            said = f"--axis {path} must be {error.constraint}, not {show_value(plain(item))}"
            raise InputError((Problem(said, hint=error.hint),)) from None
    texts = [value_text(value) for value in with_units(values_found)]
    return Axis(path, tuple(texts), tuple(Mark(f"--axis {path}={text}") for text in texts))


def expanded(item: MarkedValue) -> list[object]:
    """The values that one written value stands for: itself, unless it is a range.

    Raises:
        RangeError: it looks like a range and is none.
    """
    value = plain(item)
    return range_values(value) if is_range(value) else [value]


def grid(groups: Sequence[AxisGroup]) -> Iterator[Values]:
    """Every point, path -> YAML text; the last group varies fastest."""
    if not groups:
        yield {}
        return
    *first, last = groups
    for values in grid(first):
        if not all(values.get(condition.path) in condition.values for condition in last.when):
            yield values
            continue
        for together in zip(*(axis.values for axis in last.axes), strict=True):
            yield values | dict(zip(last.paths, together, strict=True))


def paths_of(groups: Sequence[AxisGroup]) -> tuple[str, ...]:
    """The paths of all axes, in order."""
    return tuple(path for group in groups for path in group.paths)


def problems_of(groups: Sequence[AxisGroup]) -> list[Problem]:
    """What is wrong with axes side by side: lengths, repetitions, conditions on nothing."""
    problems: list[Problem] = []
    before: dict[str, Axis] = {}
    for group in groups:
        problems += _unequal(group)
        for condition in group.when:
            problems += _unmet(group, condition, before)
        for axis in group.axes:
            if axis.path in before:
                problems.append(
                    at_axis(axis, f"{axis.path} must be the path of one axis, not of two")
                )
            problems += _repeated(axis)
            before[axis.path] = axis
    return problems


def _unequal(group: AxisGroup) -> Iterator[Problem]:
    first = group.axes[0]
    for axis in group.axes[1:]:
        if len(axis.values) != len(first.values):
            yield at_axis(
                axis,
                f"{axis.path} must have as many values as {first.path}, which it goes together with: "
                f"{len(first.values)}, not {len(axis.values)}",
            )


def _repeated(axis: Axis) -> Iterator[Problem]:
    for number, value in enumerate(axis.values):
        if value in axis.values[:number]:
            said = f"{axis.path} must have different values, not {value} again"
            yield axis.marks[number].problem(said) if axis.marks else Problem(said)


def _unmet(group: AxisGroup, condition: Condition, before: dict[str, Axis]) -> Iterator[Problem]:
    where = f"the condition of {group.axes[0].path}"
    place = condition.mark or Mark("")
    if condition.path not in before:
        hint = f"axes before it: {', '.join(before)}" if before else "no axis stands before it"
        said = f"{where} must name an earlier axis, not {condition.path!r}"
        yield place.problem(said, hint=hint)
        return
    known = before[condition.path].values
    for value in condition.values:
        if value not in known:
            said = f"{where} must be a value of {condition.path}, not {value}"
            yield place.problem(said, hint=f"its values: {', '.join(known)}")


def at_axis(axis: Axis, said: str, *, hint: str = "") -> Problem:
    """A problem with an axis, at its first value where its places are known."""
    return axis.marks[0].problem(said, hint=hint) if axis.marks else Problem(said, hint=hint)
