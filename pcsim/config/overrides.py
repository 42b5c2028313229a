"""What does ``--set path=value`` change, and in which file? Settings of a sweep file are of the same kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pcsim.config.fields import any_of, did_you_mean
from pcsim.config.hardware import Hardware
from pcsim.config.marks import Mark, MarkedValue, Path, short, show_path, show_value
from pcsim.config.paths import paths_of
from pcsim.config.section import ConfigFile, fields_by_key
from pcsim.config.workload import Workload
from pcsim.config.yaml_marks import DEEPEST, is_word, read_yaml
from pcsim.errors import InputError, Problem

FILES: Mapping[str, type[ConfigFile]] = {"hardware": Hardware, "workload": Workload}


@dataclass(frozen=True)
class Setting:
    """One "path=value", with the place where it was written; None where that is the option ``--set`` itself."""

    text: str
    mark: Mark | None = field(default=None, compare=False)

    @property
    def place(self) -> Mark:
        """Where a complaint about it points."""
        return self.mark or Mark(f"--set {_shown(self.text)}")


Override = str | Setting


@dataclass(frozen=True)
class Assignment:
    """Which settings are for which file, and what is wrong with those that are for neither."""

    hardware: tuple[Setting, ...]
    workload: tuple[Setting, ...]
    problems: tuple[Problem, ...]


def assign_overrides(overrides: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of ``overrides`` that are for the hardware file and those for the workload file.

    The first key of the path decides; where both files have it, "hardware." or "workload." before
    the path does, which is taken away.

    Raises:
        InputError: a path begins with no key of either file, or with one of both.
    """
    assignment = assign(overrides)
    if assignment.problems:
        raise InputError(assignment.problems)
    return tuple(each.text for each in assignment.hardware), tuple(
        each.text for each in assignment.workload
    )


def assign(overrides: Sequence[Override]) -> Assignment:
    """As ``assign_overrides``, but keeps places, and tells the problems instead of raising them."""
    assigned: dict[str, list[Setting]] = {kind: [] for kind in FILES}
    problems = []
    for setting in map(setting_of, overrides):
        first, _, rest = setting.text.partition(".")
        path = setting.text.partition("=")[0].strip()
        owners = [kind for kind, model in FILES.items() if _keys(path)[0] in fields_by_key(model)]
        if first in FILES:
            assigned[first].append(Setting(rest, setting.mark))
        elif len(owners) == 1:
            assigned[owners[0]].append(setting)
        else:
            problems.append(_unassigned(path, setting.mark, in_both=bool(owners)))
    return Assignment(tuple(assigned["hardware"]), tuple(assigned["workload"]), tuple(problems))


def setting_of(override: Override) -> Setting:
    """An override that may be a bare text."""
    return override if isinstance(override, Setting) else Setting(override)


def apply_override(
    tree: MarkedValue, override: Override
) -> tuple[MarkedValue, tuple[Problem, ...]]:
    """``tree`` with one "path=value" set; or as it was, with what is wrong with ``override``."""
    setting = setting_of(override)
    mark = setting.place
    path, equals, text = setting.text.partition("=")
    path = path.strip()
    if not equals or len(_keys(path)) > DEEPEST or not all(map(is_word, _keys(path))):
        what = "a setting" if setting.mark else "--set"
        said = f"{what} must be path=value, not {show_value(setting.text)}"
        hint = "for example --set tiles.vector.lanes=32"
        return tree, ((setting.mark or Mark("")).problem(said, hint=hint),)
    value, problems = read_yaml(text, file=mark.file)
    if value is None or problems:
        said = f"{path} must be set to a YAML value, not {show_value(text)}"
        hint = problems[0].message.partition(": ")[2] if value is None else problems[0].message
        return tree, (mark.problem(said, hint=hint),)
    value = _moved(value, mark)
    try:
        return _set(tree, _joined_cost(_keys(path), value), value, ()), ()
    except _NoSuchPlaceError as error:
        return tree, (mark.problem(str(error)),)


class _NoSuchPlaceError(ValueError):
    """A path leads into something without parts, or past the end of a list."""


def _keys(path: str) -> tuple[str, ...]:
    """The parts of a path; ``layers[0]`` is ``layers.0``."""
    return tuple(re.sub(r"\[(-?[0-9]+)\]", r".\1", path).split("."))


def _joined_cost(keys: tuple[str, ...], value: MarkedValue) -> tuple[str, ...]:
    """Keys of costs contain a dot: ``costs.array.mac.energy`` is ``energy`` of ``array.mac``."""
    if keys[0] != "costs" or len(keys) < 3:
        return keys
    if isinstance(value.value, dict):
        return ("costs", ".".join(keys[1:]))
    return ("costs", ".".join(keys[1:-1]), keys[-1])


def _set(node: MarkedValue, keys: tuple[str, ...], value: MarkedValue, above: Path) -> MarkedValue:
    """``node``, which stands at ``above``, with ``value`` at ``keys`` below it."""
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(node.value, dict):
        child = node.value.get(key) or MarkedValue({}, value.mark, value.mark)
        children = {**node.value, key: _set(child, rest, value, (*above, key))}
        return MarkedValue(children, node.mark, node.key_mark)
    if not isinstance(node.value, list) or not node.value:
        said = f"{show_path(above)} must be set as a whole: it has no part {key!r}"
        raise _NoSuchPlaceError(said)
    last = len(node.value) - 1
    if not re.fullmatch(r"[0-9]{1,9}", key) or int(key) > last:
        said = f"{show_path(above)} must be set at [0] to [{last}] or as a whole, not at [{key}]"
        raise _NoSuchPlaceError(said)
    index = int(key)
    item = _set(node.value[index], rest, value, (*above, index))
    items = [*node.value[:index], item, *node.value[index + 1 :]]
    return MarkedValue(items, node.mark, node.key_mark)


def _moved(node: MarkedValue, mark: Mark) -> MarkedValue:
    """``node`` and all below it, at one and the same place."""
    value = node.value
    if isinstance(value, dict):
        value = {key: _moved(child, mark) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_moved(child, mark) for child in value]
    return MarkedValue(value, mark, mark)


def _shown(override: str) -> str:
    return short(override if override.isprintable() else repr(override))


def _unassigned(path: str, mark: Mark | None, *, in_both: bool) -> Problem:
    place = mark or Mark("")
    if in_both:
        path = _shown(path)
        option = "" if mark else "--set "
        said = f"{option}{path} must name its file: hardware.{path} or workload.{path}"
        return place.problem(said)
    known = [full for model in FILES.values() for full in paths_of(model)]
    meant = [repr(full) for full in known if full.endswith(f".{path}")]
    hint = f"did you mean {any_of(meant)}?" if meant else did_you_mean(path, known)
    what = "a path" if mark else "--set"
    said = f"{what} must begin with a key of the hardware or workload file, not {show_value(path)}"
    return place.problem(said, hint=hint)
