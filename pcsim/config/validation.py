"""What is wrong with a file's values, each at its place?

Pydantic finds everything at once; this turns its errors into our sentences, names the key that was
probably meant, and adds the rules between sections for those sections that are right in themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from pcsim.config.fields import FINDINGS, FROM_FILE, Finding, did_you_mean, must_be, nearest
from pcsim.config.marks import Mark, Node, Path, nodes_by_path, plain, show_path
from pcsim.config.section import (
    ConfigFile,
    Section,
    fields_by_key,
    key_of,
    section_at,
    with_marks,
)
from pcsim.errors import Problem

_UNKNOWN = "extra_forbidden"
_MISSING = "missing"

FileType = TypeVar("FileType", bound=ConfigFile)


def validate(model: type[FileType], tree: Node) -> tuple[FileType | None, tuple[Problem, ...]]:
    """The file that ``tree`` describes, or all that is wrong with it."""
    nodes = dict(nodes_by_path(tree))
    values = plain(tree)
    try:
        file = model.model_validate(values, by_alias=True, by_name=False, context=FROM_FILE)
    except ValidationError as error:
        findings = list(findings_of(model, error))
        if any(entry["loc"] for entry in error.errors(include_url=False)):
            findings += _between_right_sections(model, values)
        return None, tuple(_problem(finding, nodes) for finding in findings)
    with_marks(file, {show_path(path): _mark_of(node) for path, node in nodes.items()})
    return file, ()


def findings_of(model: type[Section], error: ValidationError) -> Iterator[Finding]:
    """Our complaints for pydantic's. A key that is missing because it is misspelt is said once."""
    errors = error.errors(include_url=False)
    meant = {
        (*parent, nearest(str(word), _keys(model, parent)))
        for *parent, word in (entry["loc"] for entry in errors if entry["type"] == _UNKNOWN)
    }
    for entry in errors:
        path: Path = entry["loc"]
        if entry["type"] == FINDINGS:
            for finding in entry["ctx"]["findings"]:
                yield replace(finding, path=path + finding.path)
        elif entry["type"] == _UNKNOWN:
            keys = _keys(model, path[:-1])
            hint = did_you_mean(path[-1], keys) or f"known keys: {', '.join(keys)}"
            if path[0] == "costs" and isinstance(entry["input"], dict):
                hint = f"write one key with a dot, {'.'.join(map(str, path[1:]))!r}"
            said = f"must be a known key, not {str(path[-1])!r}"
            yield Finding(said, path, hint, at_key=True)
        elif entry["type"] != _MISSING:
            keys = _keys(model, path)
            shape = f"a mapping with the keys {', '.join(keys)}" if keys else "a mapping"
            yield must_be(shape, entry["input"], path=path)
        elif path not in meant:
            yield Finding("must be given", path)


def _keys(model: type[Section], path: Iterable[str | int]) -> list[str]:
    section = section_at(model, path)
    return list(fields_by_key(section)) if section else []


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
    return section.model_validate(value, by_alias=True, by_name=False, context=FROM_FILE)


def _problem(finding: Finding, nodes: Mapping[Path, Node]) -> Problem:
    """A complaint at the place of its value, or of what should contain it where there is none."""
    message = f"{show_path(finding.path) or 'the file'} {finding.said}"
    path = finding.path
    while path not in nodes:
        path = path[:-1]
    node = nodes[path]
    mark = node.key_mark if finding.at_key else None
    return (mark or _mark_of(node)).problem(message, hint=finding.hint)


def _mark_of(node: Node) -> Mark:
    """Where a value is shown: a mapping at its key, all else where it stands itself."""
    return node.key_mark if isinstance(node.value, dict) and node.key_mark else node.mark
