"""What else is wrong with a file of which something is wrong? So that one round tells everything.

Rules between values can only be asked where the values are right. So wrong ones are replaced by those of each shipped
file in turn, and what is wrong whatever stands there is wrong in itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from pcsim.config.fields import FROM_FILE, Finding
from pcsim.config.marks import Mark, Path, plain
from pcsim.config.reading import read_extended
from pcsim.config.section import ConfigFile, with_marks
from pcsim.config.validation import findings_at
from pcsim.errors import Problem
from pcsim.shipped import shipped

FileType = TypeVar("FileType", bound=ConfigFile)
_ROUNDS = 4
_TOGETHER = {("network", key) for key in ("input", "blocks", "nodes")}
"""Keys of which no value can be replaced alone, as the next one reads its shape."""


@dataclass(frozen=True)
class Mended(Generic[FileType]):
    """``files`` are the file with its wrong values replaced by those of each shipped file, where that is enough;
    ``findings`` what is wrong with it beyond these values."""

    files: tuple[FileType, ...] = ()
    findings: tuple[Finding, ...] = ()


def mended(
    model: type[FileType],
    values: Any,
    findings: Sequence[Finding],
    *,
    kind: str,
    marks: dict[str, Mark],
) -> Mended[FileType]:
    """``values``, of which ``findings`` are wrong, as they would be without these mistakes."""
    if not isinstance(values, dict) or not findings or not all(each.path for each in findings):
        return Mended()
    if any(each.path[0] == "rule" for each in findings):
        return Mended()  # No shipped file has a rule of an extension.
    unknown_kind = any(each.path == ("tiles", "compute", "kind") for each in findings)
    files: list[FileType] = []
    further: list[dict[tuple[Path, str], Finding]] = []
    for base in _bases(kind):
        file, found = _mended_by(model, values, findings, base)
        further.append(found)
        if file is not None:
            with_marks(file, marks)
            files.append(file)
    everywhere = [each for key, each in further[0].items() if all(key in more for more in further)]
    # Nobody knows the costs of a kind of unit that nobody knows.
    return Mended(() if unknown_kind else tuple(files), tuple(everywhere))


def common(
    files: Iterable[FileType], ask: Callable[[FileType], Iterable[Problem]]
) -> list[Problem]:
    """The problems that ``ask`` finds with every one of ``files``, none where there are none.

    They are the same where they are about one value at one place: what is said of it may depend on the others.
    """
    found = [{_about(each): each for each in ask(file)} for file in files]
    if not found:
        return []
    return [each for key, each in found[0].items() if all(key in more for more in found)]


def _about(problem: Problem) -> tuple[str, int, int, str]:
    path = problem.message.partition(" ")[0]
    return problem.file, problem.line, problem.column, path


def _mended_by(
    model: type[FileType], values: Any, findings: Sequence[Finding], base: Any
) -> tuple[FileType | None, dict[tuple[Path, str], Finding]]:
    """The file where ``base`` says what was wrong, and what was found beyond ``findings``."""
    values, wrong = deepcopy(values), list(findings)
    replaced: list[Path] = []
    further: dict[tuple[Path, str], Finding] = {}
    for turn in range(_ROUNDS):
        for finding in wrong:
            # What a value of its own does not mend is mended by all that stands around it.
            whole = finding.path[:-1] if finding.path[-1] == "kind" else finding.path
            if whole[:2] in _TOGETHER:
                whole = whole[:1]
            path = whole[: len(whole) - turn] or finding.path[:1]
            # A key that is misspelt is missing under its right name.
            paths = [path, (*path[:-1], finding.near)] if finding.near else [path]
            for each in paths:
                _replace(values, each, base)
            replaced += paths
        try:
            file = model.model_validate(values, by_alias=True, by_name=False, context=FROM_FILE)
        except ValidationError as error:
            wrong = [each for each in findings_at(model, values, error) if each.path]
            for more in wrong:
                if not any(_overlap(more.path, path) for path in replaced):
                    further[more.path, more.said] = more
            if not wrong:
                return None, further
            continue
        return file, further
    return None, further


def _overlap(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _replace(values: dict[str, Any], path: Path, base: Any) -> None:
    """What ``base`` has at ``path`` put there in ``values``, or at the first part that is missing; or removed."""
    here: Any = values
    for part, last in _steps(path):
        base = _child(base, part)
        child = _child(here, part)
        if last or not isinstance(child, dict | list):
            if base is not None:
                _put(here, part, deepcopy(base))
            elif child is not None:
                _put(here, part, None)
            return
        here = child


def _steps(path: Path) -> Iterator[tuple[str | int, bool]]:
    last = len(path) - 1
    return ((part, at == last) for at, part in enumerate(path))


def _child(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _put(value: Any, part: str | int, new: Any) -> None:
    if isinstance(value, list) and isinstance(part, int):
        value[part] = new
    elif isinstance(value, dict) and new is None:
        value.pop(part, None)
    elif isinstance(value, dict):
        value[part] = new


@cache
def _bases(kind: str) -> tuple[Any, ...]:
    """What the shipped files of a ``kind`` say."""
    trees = (read_extended(path, kind)[0] for path in shipped(kind).values())
    return tuple(plain(tree) for tree in trees if tree is not None)
