"""How does a name or a path become a chip or a workload, with every mistake told at once?

Read the file and those that it extends, set single values, then check everything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pcsim.config.datasets import anchored
from pcsim.config.extensions import needs_consent, with_extensions
from pcsim.config.fields import any_of
from pcsim.config.files import find_file
from pcsim.config.hardware import Hardware
from pcsim.config.marks import plain, show_value
from pcsim.config.mending import mended
from pcsim.config.overrides import FILES, Override, apply_override, assign
from pcsim.config.reading import SCHEMAS, read_extended, read_tree
from pcsim.config.section import ConfigFile
from pcsim.config.validation import checked, marks_of, problems_of
from pcsim.config.workload import Workload
from pcsim.errors import InputError, Problem
from pcsim.shipped import shipped

Reference = str | os.PathLike[str]
FileType = TypeVar("FileType", bound=ConfigFile)


@dataclass(frozen=True)
class LoadedFile(Generic[FileType]):
    """A ``file`` as far as it is right, and the ``problems`` with it and with settings.

    ``mended`` are the ways in which it could be right, each with other values in the place of the wrong ones; none
    where it is right, or too little of it.
    """

    file: FileType | None
    problems: tuple[Problem, ...] = ()
    mended: tuple[FileType, ...] = ()

    @property
    def right(self) -> FileType:
        """The file. Raises InputError where something is wrong."""
        return _checked(self.file, self.problems)


def load_hardware(
    reference: Reference, *, overrides: Sequence[Override] = (), allow_extensions: bool = False
) -> Hardware:
    """The chip in a file: its path, or the name of a shipped one.

    Each of ``overrides`` is "path=value" such as "tiles.vector.lanes=32". ``allow_extensions``: run the
    Python files that the file names under ``extensions``; else naming one is a mistake.

    Raises:
        InputError: with every mistake in the file, in those that it extends and in ``overrides``.
    """
    return examine(Hardware, reference, overrides, allowed=allow_extensions).right


def load_workload(
    reference: Reference, *, overrides: Sequence[Override] = (), allow_extensions: bool = False
) -> Workload:
    """The workload in a file, in the way of ``load_hardware``."""
    return examine(Workload, reference, overrides, allowed=allow_extensions).right


def load_both(
    hardware: Reference,
    workload: Reference,
    *,
    overrides: Sequence[Override] = (),
    allow_extensions: bool = False,
) -> tuple[Hardware, Workload]:
    """A chip and a workload; each of ``overrides`` may be for either.

    Raises:
        InputError: with every mistake in either file and in ``overrides``.
    """
    assigned = assign(overrides)
    chip = examine(Hardware, hardware, assigned.hardware, allowed=allow_extensions)
    work = examine(Workload, workload, assigned.workload, allowed=allow_extensions)
    problems = chip.problems + work.problems + assigned.problems
    return _checked(chip.file, problems), _checked(work.file, problems)


def load_any(reference: Reference, *, allow_extensions: bool = False) -> Hardware | Workload:
    """The chip or workload in a file, whichever its schema says it is.

    Raises:
        InputError: with every mistake in the file and in those that it extends.
    """
    return examine_any(reference, allow_extensions=allow_extensions).right


def examine_any(
    reference: Reference, *, allow_extensions: bool = False
) -> LoadedFile[Hardware] | LoadedFile[Workload]:
    """As ``load_any``, but tells the problems.

    Raises:
        InputError: the file says not what it is.
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
        return examine(Hardware, path, allowed=allow_extensions)
    return examine(Workload, path, allowed=allow_extensions)


def examine(
    model: type[FileType],
    reference: Reference,
    overrides: Sequence[Override] = (),
    *,
    allowed: bool = False,
) -> LoadedFile[FileType]:
    """The file of this ``model`` with ``overrides``, and everything that is wrong with it.

    ``allowed``: whether Python files that it names under ``extensions`` may be run.
    """
    kind = next(kind for kind, file in FILES.items() if file is model)
    try:
        path = find_file(reference, kind)
    except InputError as error:
        return LoadedFile(None, error.problems)
    tree, problems = read_extended(path, kind)
    if tree is None:
        return LoadedFile(None, problems)
    for override in overrides:
        tree, wrong = apply_override(tree, override)
        problems += wrong
    if model is Workload:
        tree = anchored(tree)
    tree, unallowed = with_extensions(tree, allowed=allowed)
    problems += unallowed
    file, findings = checked(model, tree)
    better = mended(model, plain(tree), findings, kind=kind, marks=marks_of(tree))
    wrong = problems_of((*findings, *better.findings), tree)
    if needs_consent(problems):  # What an extension would bring is not known.
        unknown = ("tiles.compute", "network.blocks", "network.nodes", "rule")
        wrong = tuple(p for p in wrong if not p.message.startswith(unknown))
    return LoadedFile(file, tuple(sorted(problems + wrong, key=_place)), better.files)


def _place(problem: Problem) -> tuple[bool, str, int, int]:
    return bool(problem.line), problem.file, problem.line, problem.column


def _checked(file: FileType | None, problems: tuple[Problem, ...]) -> FileType:
    if file is None or problems:
        raise InputError(problems)
    return file
