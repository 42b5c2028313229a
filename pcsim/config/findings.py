"""What are pydantic's complaints in our sentences?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import ValidationError

from pcsim.config.fields import FINDINGS, Finding, must_be, nearest
from pcsim.config.marks import Path
from pcsim.config.section import Section, fields_by_key, section_at

_UNKNOWN = "extra_forbidden"
_MISSING = "missing"

KNOWN_KEYS = "known keys: "
"""How the hint at an unknown key begins where nothing better is known."""


def findings_of(model: type[Section], error: ValidationError) -> Iterator[Finding]:
    """Our complaints for pydantic's. A key that is missing because it is misspelt is said once."""
    errors = error.errors(include_url=False)
    meant = {
        (*parent, nearest(str(word), keys_at(model, parent)))
        for *parent, word in (entry["loc"] for entry in errors if entry["type"] == _UNKNOWN)
    }
    for entry in errors:
        path: Path = entry["loc"]
        if entry["type"] == FINDINGS:
            for finding in entry["ctx"]["findings"]:
                yield replace(finding, path=path + finding.path)
        elif entry["type"] == _UNKNOWN:
            hint = f"{KNOWN_KEYS}{', '.join(keys_at(model, path[:-1]))}"
            if path[0] == "costs" and isinstance(entry["input"], dict):
                hint = f"write one key with a dot, {'.'.join(map(str, path[1:]))!r}"
            said = f"must be a known key, not {str(path[-1])!r}"
            near = nearest(str(path[-1]), keys_at(model, path[:-1]))
            yield Finding(said, path, hint, at_key=True, near=near)
        elif entry["type"] != _MISSING:
            keys = keys_at(model, path)
            shape = f"a mapping with the keys {', '.join(keys)}" if keys else "a mapping"
            yield must_be(shape, entry["input"], path=path)
        elif path not in meant:
            yield Finding("must be given", path)


def keys_at(model: type[Section], path: Iterable[str | int]) -> list[str]:
    """The keys of the section at ``path``, none where there is no section."""
    section = section_at(model, path)
    return list(fields_by_key(section)) if section else []
