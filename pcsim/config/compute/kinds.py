"""Which section does ``kind`` choose? A union that extensions can add to while it is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from pcsim.config.compute.crossbar import Crossbar
from pcsim.config.compute.serial import Serial
from pcsim.config.compute.simd import Simd
from pcsim.config.compute.systolic import Systolic
from pcsim.config.compute.unit import ComputeUnit
from pcsim.config.fields import FROM_FILE, Finding, any_of, did_you_mean, must_be, rejected
from pcsim.config.findings import findings_of
from pcsim.config.section import fields_by_key

SHIPPED: tuple[type[ComputeUnit], ...] = (Systolic, Simd, Crossbar, Serial)


def kind_of(section: type[ComputeUnit]) -> str:
    """The word that chooses a section: its ``kind`` is a Literal of one."""
    (word,) = get_args(section.model_fields["kind"].annotation)
    return str(word)


KINDS: dict[str, type[ComputeUnit]] = {kind_of(section): section for section in SHIPPED}
"""Word -> its section."""


def add_kind(section: type[ComputeUnit]) -> str:
    """Let files choose ``section``; returns its word.

    Raises:
        ValueError: another section has this word.
    """
    word = kind_of(section)
    known = KINDS.setdefault(word, section)
    if known is not section:
        raise ValueError(f"kind must be new, not {word!r}, which is {known.__qualname__}")
    return word


def chosen_by_kind() -> ByKind:
    """The section of `KINDS` that ``kind`` names. Annotates a field of type ComputeUnit."""
    return ByKind()


@dataclass(frozen=True)
class ByKind:
    """Reads a mapping as the section that its ``kind`` chooses."""

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda unit, info: unit.model_dump(mode=info.mode, by_alias=info.by_alias),
                info_arg=True,
            ),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {}  # ``config.schema`` says which sections there are.


def _read(value: Any, info: ValidationInfo) -> ComputeUnit:
    if isinstance(value, ComputeUnit):
        return value
    if not isinstance(value, Mapping):
        raise rejected([must_be("a mapping with the key kind and those of this kind", value)])
    word = value.get("kind")
    if "kind" not in value:
        raise rejected([Finding("must be given", ("kind",), f"one of {any_of(KINDS)}")])
    if not isinstance(word, str) or word not in KINDS:
        hint = did_you_mean(word, KINDS)
        raise rejected([must_be(any_of(KINDS), word, path=("kind",), hint=hint)])
    section = KINDS[word]
    from_file = info.context == FROM_FILE
    try:
        return section.model_validate(
            value, by_alias=True, by_name=not from_file, context=info.context
        )
    except ValidationError as error:
        raise rejected(_told(section, error)) from None


def _told(section: type[ComputeUnit], error: ValidationError) -> Iterator[Finding]:
    """What is wrong, and of keys that other kinds have, whose they are."""
    for finding in findings_of(section, error):
        if finding.at_key and len(finding.path) == 1:
            owners = [
                word for word, other in KINDS.items() if finding.path[0] in fields_by_key(other)
            ]
            if owners:
                keys = ", ".join(fields_by_key(section))
                hint = f"a key of {any_of(owners)}; those of {kind_of(section)} are {keys}"
                finding = replace(finding, hint=hint)
        yield finding
