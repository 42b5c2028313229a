"""What is wrong with a file's values, each at its place?

Pydantic finds everything at once; this turns its errors into our sentences, names the key that was
probably meant, and adds the rules between sections for those sections that are right in themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from pcsim.config.chosen import section_for
from pcsim.config.fields import FROM_FILE, Finding
from pcsim.config.findings import KNOWN_KEYS, findings_of
from pcsim.config.marks import Mark, MarkedValue, Path, nodes_by_path, plain, show_path
from pcsim.config.paths import path_meant
from pcsim.config.section import ConfigFile, Section, key_of, section_at, with_marks
from pcsim.errors import Problem

FileType = TypeVar("FileType", bound=ConfigFile)


def validate(
    model: type[FileType], tree: MarkedValue
) -> tuple[FileType | None, tuple[Problem, ...]]:
    """The file that ``tree`` describes, or all that is wrong with it."""
    file, findings = checked(model, tree)
    return file, problems_of(findings, tree)


def checked(
    model: type[FileType], tree: MarkedValue
) -> tuple[FileType | None, tuple[Finding, ...]]:
    """As ``validate``, the complaints still without their places."""
    values = plain(tree)
    try:
        file = model.model_validate(values, by_alias=True, by_name=False, context=FROM_FILE)
    except ValidationError as error:
        return None, tuple(findings_at(model, values, error))
    with_marks(file, marks_of(tree))
    return file, ()


def marks_of(tree: MarkedValue) -> dict[str, Mark]:
    """Where each value stands, by its path."""
    return {show_path(path): _mark_of(node) for path, node in nodes_by_path(tree)}


def problems_of(findings: Iterable[Finding], tree: MarkedValue) -> tuple[Problem, ...]:
    """Complaints about ``tree``, each at its place."""
    nodes = dict(nodes_by_path(tree))
    return tuple(_problem(finding, nodes) for finding in findings)


def findings_at(model: type[ConfigFile], values: Any, error: ValidationError) -> list[Finding]:
    """All that is wrong with ``values``, which ``error`` is of; of an unknown key also which was meant."""
    findings = [
        replace(finding, hint=path_meant(model, finding.path, near=finding.near) or finding.hint)
        if finding.at_key and finding.hint.startswith(KNOWN_KEYS)
        else finding
        for finding in findings_of(model, error)
    ]
    if any(entry["loc"] for entry in error.errors(include_url=False)):
        findings += _between_right_sections(model, values)
    return findings


def _between_right_sections(model: type[ConfigFile], values: Any) -> Iterator[Finding]:
    """What the rules between sections say where all sections that they read are right."""
    for fields, check in model.CHECKS:
        try:
            sections = [_section(model, field, values) for field in fields]
        except ValidationError:
            continue
        yield from check(*sections)


def _section(model: type[ConfigFile], field: str, values: Any) -> Section:
    section = section_at(model, [key_of(model, field)])
    assert section is not None, "rules between sections read sections"
    value = values.get(key_of(model, field))
    return section_for(section, value).model_validate(
        value, by_alias=True, by_name=False, context=FROM_FILE
    )


def _problem(finding: Finding, nodes: Mapping[Path, MarkedValue]) -> Problem:
    """A complaint at the place of its value, or of what should contain it where there is none."""
    message = f"{show_path(finding.path) or 'the file'} {finding.said}"
    path = finding.path
    while path not in nodes:
        path = path[:-1]
    node = nodes[path]
    mark = node.key_mark if finding.at_key else None
    return (mark or _mark_of(node)).problem(message, hint=finding.hint)


def _mark_of(node: MarkedValue) -> Mark:
    """Where a value is shown: a mapping at its key, all else where it stands itself."""
    return node.key_mark if isinstance(node.value, dict) and node.key_mark else node.mark
