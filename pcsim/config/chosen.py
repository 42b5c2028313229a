"""Which section does a word in it choose? A union of sections that extensions can add to while it is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from pcsim.config.fields import FROM_FILE, Finding, any_of, did_you_mean, must_be, rejected
from pcsim.config.findings import findings_of
from pcsim.config.section import Section, fields_by_key

Table = Mapping[str, type[Section]]
_OFFERED: dict[type[Section], tuple[str, Table]] = {}


def offer(base: type[Section], word: str, table: Table) -> None:
    """Where ``base`` annotates a field, that section of ``table`` may stand which its key ``word`` chooses."""
    _OFFERED[base] = word, table


def sections_for(section: type[Section] | None) -> tuple[type[Section], ...]:
    """The sections that may stand where ``section`` annotates a field: itself, unless others were offered."""
    if section is None:
        return ()
    return tuple(_OFFERED[section][1].values()) if section in _OFFERED else (section,)


def section_for(section: type[Section], value: Any) -> type[Section]:
    """The section that ``value`` chooses where ``section`` annotates the field."""
    word, table = _OFFERED.get(section, ("", {}))
    chosen = value.get(word) if isinstance(value, Mapping) else None
    return table.get(chosen, section) if isinstance(chosen, str) else section


def everything_offered() -> tuple[type[Section], ...]:
    """All sections that words choose, for what depends on which there are."""
    return tuple(section for _, table in _OFFERED.values() for section in table.values())


@dataclass(frozen=True)
class ByWord:
    """Reads a mapping as the section of ``table`` that its key ``word`` chooses; ``optional`` admits None, which a file
    leaves out. Annotates a field."""

    table: MutableMapping[str, Any]
    word: str
    optional: bool = False

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda chosen, info: (
                    chosen
                    and chosen.model_dump(
                        mode=info.mode,
                        by_alias=info.by_alias,
                        exclude_defaults=info.exclude_defaults,
                    )
                ),
                info_arg=True,
            ),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {}  # ``config.schema`` says which sections there are.

    def _read(self, value: Any, info: ValidationInfo) -> Section | None:
        from_file = info.context == FROM_FILE
        if isinstance(value, Section) or (self.optional and value is None and not from_file):
            return value
        key = self.word
        if not isinstance(value, Mapping):
            said = f"a mapping with the key {key} and those of this {key}"
            raise rejected([must_be(said, value)])
        word = value.get(key)
        known = any_of(self.table) if self.table else f"a {key} that an extension brings"
        if key not in value:
            raise rejected([Finding("must be given", (key,), f"one of {known}")])
        if not isinstance(word, str) or word not in self.table:
            hint = did_you_mean(word, self.table)
            raise rejected([must_be(known, word, path=(key,), hint=hint)])
        section = self.table[word]
        try:
            found: Section = section.model_validate(
                value, by_alias=True, by_name=not from_file, context=info.context
            )
        except ValidationError as error:
            raise rejected(self._told(word, error)) from None
        return found

    def _told(self, word: str, error: ValidationError) -> Iterator[Finding]:
        """What is wrong, and of keys that other sections have, whose they are."""
        section = self.table[word]
        for finding in findings_of(section, error):
            if finding.at_key and len(finding.path) == 1:
                owners = [
                    other
                    for other, its in self.table.items()
                    if finding.path[0] in fields_by_key(its)
                ]
                if owners:
                    keys = ", ".join(fields_by_key(section))
                    hint = f"a key of {any_of(owners)}; those of {word} are {keys}"
                    finding = replace(finding, hint=hint)
            yield finding
