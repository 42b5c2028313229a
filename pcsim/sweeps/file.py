"""What does a sweep file say? The files, what is set in all points, and the axes, each at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from pcsim.config import Setting, shipped, value_text
from pcsim.config.fields import FieldKind, choice, flag, must_be, name, rejected, sentence, whole
from pcsim.config.files import is_file, what_is
from pcsim.config.marks import Mark, MarkedValue, plain, show_value
from pcsim.config.overrides import assign
from pcsim.config.reading import read_tree
from pcsim.config.section import ConfigFile, key
from pcsim.config.validation import validate
from pcsim.errors import InputError, Problem
from pcsim.sweeps.axes import Axis, AxisGroup, Condition, expanded, grid, problems_of
from pcsim.sweeps.plan import SweepPlan, points_at
from pcsim.sweeps.ranges import RangeError, with_units

SCHEMA = "pcsim/sweep/1"
WHEN = "when"
KINDS = ("hardware", "workload")


def _mapping() -> FieldKind:
    """Paths and values; what they may be is held by the files that they are for."""

    def read(value: Any, _from_file: bool) -> Any:
        if not isinstance(value, dict):
            raise rejected([must_be("a mapping of paths to values", value)])
        return value

    return FieldKind(read, schema={"type": "object"})


def _axes() -> FieldKind:
    """A list that is not empty; its entries are read with their places."""

    def read(value: Any, _from_file: bool) -> Any:
        if not isinstance(value, list) or not value:
            raise rejected([must_be("a list of axes", value, hint="- pc.steps: [1, 3, 10]")])
        return value

    return FieldKind(read, schema={"type": "array", "minItems": 1, "items": {"type": "object"}})


class SweepFile(ConfigFile):
    """The keys of a sweep file; ``settings`` stands under ``set``."""

    schema_id: Annotated[str, choice(Literal["pcsim/sweep/1"])] = key("schema")
    name: Annotated[str, name()]
    hardware: Annotated[str, sentence()]
    workload: Annotated[str, sentence()]
    rule: Annotated[str, choice(Literal["pc", "bp", "all"])] = "all"
    seed: Annotated[int, whole(0, 10**9)] = 0
    timing_only: Annotated[bool, flag()] = False
    settings: Annotated[Any, _mapping()] = key("set", default_factory=dict)
    axes: Annotated[Any, _axes()]


def read_plan(path: Path) -> tuple[str, SweepPlan]:
    """The name of the sweep in a file, and the plan.

    Files that it names stand beside it or are shipped ones. Whether values suit the paths is told by
    ``points_of``.

    Raises:
        InputError: everything that is wrong with the file as a sweep.
    """
    tree, problems = read_tree(path)
    if tree is None:
        raise InputError(problems)
    file, wrong = validate(SweepFile, tree)
    found = [*problems, *wrong]
    hardware, workload = (_named(tree.value.get(kind), path, kind, found.append) for kind in KINDS)
    settings = _settings(tree.value.get("set"), found.append)
    before = len(found)
    groups = _groups(tree.value.get("axes"), found.append)
    if file is None or found:
        if hardware and workload and groups and len(found) == before:
            known = tuple(each for each in settings if not assign([each]).problems)
            found += _wrong_points(SweepPlan(hardware, workload, groups, known))
        raise InputError(tuple(sorted(dict.fromkeys(found), key=lambda p: (p.line, p.column))))
    assert hardware and workload, "told above where they are not there"
    plan = SweepPlan(
        hardware,
        workload,
        groups,
        settings,
        file.rule,
        file.seed,
        file.timing_only,
    )
    return file.name, plan


Tell = Callable[[Problem], object]


def _settings(node: MarkedValue | None, tell: Tell) -> tuple[Setting, ...]:
    if node is None or not isinstance(node.value, dict):
        return ()
    for path, value in node.value.items():
        _check_path(path, value, tell)
    return tuple(
        Setting(f"{path}={value_text(plain(value))}", value.mark)
        for path, value in node.value.items()
    )


def _groups(node: MarkedValue | None, tell: Tell) -> tuple[AxisGroup, ...]:
    if node is None or not isinstance(node.value, list):
        return ()
    groups = (_group(entry, f"axes[{number}]", tell) for number, entry in enumerate(node.value))
    return tuple(group for group in groups if group is not None)


def _group(entry: MarkedValue, where: str, tell: Tell) -> AxisGroup | None:
    paths = [path for path in entry.value if path != WHEN] if isinstance(entry.value, dict) else []
    if not paths:
        said = f"{where} must be a mapping of a path to its values, not {show_value(plain(entry))}"
        tell(entry.mark.problem(said, hint="such as - pc.steps: [1, 3, 10]"))
        return None
    axes = []
    for path in paths:
        node = entry.value[path]
        _check_path(path, node, tell)
        values = list(_values(node, f"{where}.{path}", tell))
        texts, marks = tuple(text for text, _ in values), tuple(mark for _, mark in values)
        axes.append(Axis(path, texts, marks))
    when = entry.value.get(WHEN)
    return AxisGroup(tuple(axes), () if when is None else tuple(_conditions(when, where, tell)))


def _values(node: MarkedValue, where: str, tell: Tell) -> Iterator[tuple[str, Mark]]:
    """The text and place of every value of an axis: a list of values and ranges, or one range."""
    items = node.value if isinstance(node.value, list) else [node]
    if not items or (items == [node] and not isinstance(node.value, str)):
        said = f"{where} must be a list of values or a range, not {show_value(plain(node))}"
        tell(node.mark.problem(said, hint="such as [1, 3, 10] or 1..64 x2"))
        return
    found: list[tuple[object, Mark]] = []
    for item in items:
        try:
            found += ((value, item.mark) for value in expanded(item))
        except RangeError as error:
            said = f"{where} must be {error.constraint}, not {show_value(plain(item))}"
            tell(item.mark.problem(said, hint=error.hint))
    values = with_units([value for value, _ in found])
    for value, (_, mark) in zip(values, found, strict=True):
        yield value_text(value), mark


def _conditions(when: MarkedValue, where: str, tell: Tell) -> Iterator[Condition]:
    if not isinstance(when.value, dict) or not when.value:
        said = f"{where}.when must be a mapping of earlier axes to values, not {show_value(plain(when))}"
        tell(when.mark.problem(said, hint="such as when: {pc.descent: momentum}"))
        return
    for path, node in when.value.items():
        items = node.value if isinstance(node.value, list) else [node]
        values = with_units([plain(item) for item in items])
        yield Condition(path, tuple(map(value_text, values)), node.key_mark)


def _check_path(path: str, node: MarkedValue, tell: Tell) -> None:
    """Whether a path begins with a key of either file; the rest is for those files to tell."""
    for problem in assign([Setting(f"{path}=0", node.key_mark or node.mark)]).problems:
        tell(problem)


def _named(node: MarkedValue | None, path: Path, kind: str, tell: Tell) -> str | Path | None:
    """The file of a ``kind`` that a sweep file names: one beside it, or a shipped one; None where there is none."""
    if node is None or not isinstance(node.value, str) or not node.value.strip():
        return None  # Told by the schema.
    if node.value in shipped(kind):
        return node.value
    if is_file(path.parent / node.value):
        return path.parent / node.value
    said = f"{kind} must be the path of a file beside this one or one of {', '.join(shipped(kind))}"
    hint = what_is(node.value, kind=kind, folder=path.parent)
    tell(node.mark.problem(f"{said}, not {show_value(node.value)}", hint=hint))
    return None


MOST_LOOKED_AT = 64
"""Points of a sweep of which something is wrong."""


def _wrong_points(plan: SweepPlan) -> tuple[Problem, ...]:
    """What is wrong with the first points of a sweep whose axes are right, where something else is not."""
    if problems_of(plan.groups):
        return ()
    try:
        points_at(plan, islice(grid(plan.groups), MOST_LOOKED_AT))
    except InputError as error:
        return error.problems
    return ()
