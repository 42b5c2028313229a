"""What do all parts of a file have in common?

A section is a frozen value that knows its keys; a file is the outermost section and knows in
addition where each of its values stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from pcsim.config.fields import Finding, rejected
from pcsim.config.marks import Mark
from pcsim.errors import InputError, Problem

Check = Callable[..., Iterable[Finding]]


class Section(BaseModel):
    """A mapping of a file as a frozen value.

    From Python a field takes its own name and a bare number in the unit of that name
    (``size_bytes=131072``) or its key and a text as in a file (``size="128 KiB"``).
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_alias=True, validate_by_name=True
    )


class ConfigFile(Section):
    """A whole file. Equality and hash are those of the values, wherever they stood."""

    CHECKS: ClassVar[tuple[tuple[tuple[str, ...], Check], ...]] = ()
    """Rules between sections: the fields that a rule reads, and the rule on these."""

    _marks: Mapping[str, Mark] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        findings = [
            finding
            for fields, check in self.CHECKS
            for sections in [[getattr(self, field) for field in fields]]
            if None not in sections  # what was left out has nothing to agree with
            for finding in check(*sections)
        ]
        if findings:
            raise rejected(findings)
        return self

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


def key(word: str, **default: Any) -> Any:
    """A field that stands in files under another key than its name."""
    return Field(validation_alias=word, serialization_alias=word, **default)


def key_of(model: type[Section], field: str) -> str:
    """The key in a file of a field."""
    alias = model.model_fields[field].serialization_alias
    return alias or field


def fields_by_key(model: type[Section]) -> dict[str, str]:
    """Every key of a section in files, and the field it is."""
    return {key_of(model, field): field for field in model.model_fields}


def section_at(model: type[Section], path: Iterable[str | int]) -> type[Section] | None:
    """The section that stands at ``path`` below ``model``, None if something else stands there."""
    here: Any = model
    for part in path:
        if get_args(here):  # A mapping of free keys to sections.
            here = get_args(here)[1]
        elif not _is_section(here) or part not in fields_by_key(here):
            return None
        else:
            here = _given(here.model_fields[fields_by_key(here)[str(part)]].annotation)
    return here if _is_section(here) else None


def _given(annotation: Any) -> Any:
    """What a key holds where it is given: a section that may be left out is ``Section | None``."""
    first, *others = get_args(annotation) or (annotation,)
    return first if others == [type(None)] else annotation


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def with_marks(file: ConfigFile, marks: Mapping[str, Mark]) -> None:
    """Tell a loaded file where its values stood, by path."""
    file._marks = marks


def mark_of(file: ConfigFile, path: str) -> Mark | None:
    """Where the value at ``path`` ("tiles.sram.size") stood; None if no file gave it."""
    return file._marks.get(path)


def placed(file: ConfigFile, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """``problems`` that have no place at that of the value whose path they begin with."""
    return tuple(
        each
        if each.file
        else problem_at(file, each.message.partition(" ")[0], each.message, hint=each.hint)
        for each in problems
    )


@contextmanager
def at_places_of(file: ConfigFile) -> Iterator[None]:
    """Gives problems that are raised within, and have no place, that of the value of ``file`` they are about."""
    try:
        yield
    except InputError as error:
        raise InputError(placed(file, error.problems)) from None


def problem_at(file: ConfigFile, path: str, message: str, *, hint: str = "") -> Problem:
    """A problem with the value at ``path``, at its place or that of what should contain it, if one is known."""
    mark = mark_of(file, path)
    above = path
    while mark is None and "." in above:
        above = above.rpartition(".")[0]
        mark = mark_of(file, above)
    return mark.problem(message, hint=hint) if mark else Problem(message, hint=hint)
