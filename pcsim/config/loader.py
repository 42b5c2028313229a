"""How does a name or a path become a chip or a workload, with every mistake told at once?

Read the file and those that it extends, set single values, then check everything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

from pcsim.config.datasets import anchored
from pcsim.config.extensions import needs_consent, with_extensions
from pcsim.config.fields import any_of
from pcsim.config.files import find_file
from pcsim.config.hardware import Hardware
from pcsim.config.marks import plain, show_value
from pcsim.config.overrides import FILES, apply_override, assign
from pcsim.config.reading import SCHEMAS, read_extended, read_tree
from pcsim.config.section import ConfigFile
from pcsim.config.validation import validate
from pcsim.config.workload import Workload
from pcsim.errors import InputError, Problem
from pcsim.shipped import shipped

Reference = str | os.PathLike[str]
FileType = TypeVar("FileType", bound=ConfigFile)


def load_hardware(
    reference: Reference, *, overrides: Sequence[str] = (), allow_extensions: bool = False
) -> Hardware:
    """The chip in a file: its path, or the name of a shipped one.

    Each of ``overrides`` is "path=value" such as "tiles.vector.lanes=32". ``allow_extensions``: run the
    Python files that the file names under ``extensions``; else naming one is a mistake.

    Raises:
        InputError: with every mistake in the file, in those that it extends and in ``overrides``.
    """
    hardware, problems = _load(Hardware, reference, overrides, allowed=allow_extensions)
    return _checked(hardware, problems)


def load_workload(reference: Reference, *, overrides: Sequence[str] = ()) -> Workload:
    """The workload in a file, in the way of ``load_hardware``."""
    workload, problems = _load(Workload, reference, overrides)
    return _checked(workload, problems)


def load_both(
    hardware: Reference,
    workload: Reference,
    *,
    overrides: Sequence[str] = (),
    allow_extensions: bool = False,
) -> tuple[Hardware, Workload]:
    """A chip and a workload; each of ``overrides`` may be for either.

    Raises:
        InputError: with every mistake in either file and in ``overrides``.
    """
    assigned = assign(overrides)
    chip, chip_problems = _load(Hardware, hardware, assigned.hardware, allowed=allow_extensions)
    work, work_problems = _load(Workload, workload, assigned.workload)
    problems = chip_problems + work_problems + assigned.problems
    return _checked(chip, problems), _checked(work, problems)


def load_any(reference: Reference, *, allow_extensions: bool = False) -> Hardware | Workload:
    """The chip or workload in a file, whichever its schema says it is.

    Raises:
        InputError: with every mistake in the file and in those that it extends.
    """
    kind = "workload" if reference in shipped("workload") else "hardware"
    path = find_file(reference, kind)
    tree, problems = read_tree(path)
    if tree is None:
        raise InputError(problems)
    schema = tree.value.get("schema")
    written = plain(schema) if schema else None
    kinds = [kind for kind, known in SCHEMAS.items() if known == written]
    if not kinds:
        place = schema.mark if schema else tree.mark
        said = f"schema must be {any_of(map(repr, SCHEMAS.values()))}, not {show_value(written)}"
        raise InputError((*problems, place.problem(said)))
    if kinds == ["hardware"]:
        return load_hardware(path, allow_extensions=allow_extensions)
    return load_workload(path)


def _load(
    model: type[FileType],
    reference: Reference,
    overrides: Sequence[str],
    *,
    allowed: bool = False,
) -> tuple[FileType | None, tuple[Problem, ...]]:
    kind = next(kind for kind, file in FILES.items() if file is model)
    try:
        path = find_file(reference, kind)
    except InputError as error:
        return None, error.problems
    tree, problems = read_extended(path, kind)
    if tree is None:
        return None, problems
    for override in overrides:
        tree, wrong = apply_override(tree, override)
        problems += wrong
    if model is Workload:
        tree = anchored(tree)
    else:
        tree, wrong = with_extensions(tree, allowed=allowed)
        problems += wrong
    file, wrong = validate(model, tree)
    if needs_consent(problems):  # What an extension would bring is not known.
        wrong = tuple(p for p in wrong if not p.message.startswith("tiles.compute"))
    return file, tuple(sorted(problems + wrong, key=_place))


def _place(problem: Problem) -> tuple[bool, str, int, int]:
    return bool(problem.line), problem.file, problem.line, problem.column


def _checked(file: FileType | None, problems: tuple[Problem, ...]) -> FileType:
    if file is None or problems:
        raise InputError(problems)
    return file
