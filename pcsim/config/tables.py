"""Which tables of costs may a chip name? Known from the files that come along, without reading their costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from pcsim.config.fields import FieldKind, any_of, did_you_mean, must_be, rejected
from pcsim.config.yaml_marks import read_yaml
from pcsim.shipped import shipped

SHARED = ("analog", "cacti", "dram")
"""Tables that belong to no technology."""


@cache
def technologies() -> tuple[str, ...]:
    """The names that ``technology`` may have."""
    return tuple(name for name in shipped("technology") if name not in SHARED)


@cache
def dram_kinds() -> tuple[str, ...]:
    """The names that ``dram.kind`` may have."""
    path = shipped("technology")["dram"]
    table, _ = read_yaml(path.read_text(encoding="utf-8"), file=path.name)
    assert table is not None, "tests read the table"
    return tuple(table.value["kinds"].value)


def one_of(names: Callable[[], Iterable[str]]) -> FieldKind:
    """One of ``names``, which are asked for when a value is read."""

    def read(value: Any, _from_file: bool) -> str:
        known = tuple(names())
        if not isinstance(value, str) or value not in known:
            raise rejected([must_be(any_of(known), value, hint=did_you_mean(value, known))])
        return value

    return FieldKind(read, schema={"type": "string"})
