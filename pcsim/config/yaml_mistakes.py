"""What does PyYAML's complaint mean, in words for people who never read the YAML specification?

PyYAML tells where it gave up. Where something was left open, the place to look at is where it began.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class SyntaxMistake:
    """``said`` of a 0-based line and column, and what would be right."""

    said: str
    line: int
    column: int
    hint: str = ""


@dataclass(frozen=True)
class _Meaning:
    """What to say for a complaint that ``pattern`` finds; its groups may be named in ``said``.

    ``at_start`` points at where the thing began, and not at where reading ended.
    """

    pattern: str
    said: str
    hint: str
    at_start: bool = False


_MEANINGS = (
    _Meaning(
        r"character '\\t' that cannot start",
        "a tab stands here",
        "indent by spaces",
    ),
    _Meaning(
        r"character '(.)' that cannot start",
        "no text begins with '{0}'",
        "put the text in quotes",
    ),
    _Meaning(
        "could not find expected ':'",
        "this is neither a key nor the value of one",
        "write 'key: value', with a blank behind the colon",
        at_start=True,
    ),
    _Meaning(
        "mapping values are not allowed here",
        "a key cannot stand here",
        "begin it in the column of the keys beside it; put a text with ': ' in it in quotes",
    ),
    _Meaning(
        "parsing a block (mapping|collection), expected <block end>",
        "this does not begin in the column of what is beside it",
        "begin all keys of a mapping, and all items of a list, in one column",
    ),
    _Meaning(
        "parsing a flow (sequence|mapping)",
        "this bracket is not closed, or a comma is missing behind it",
        "close it, and put commas between the items",
        at_start=True,
    ),
    _Meaning(
        "scanning a quoted scalar, found unexpected end of stream",
        "this quote is not closed",
        "",
        at_start=True,
    ),
    _Meaning(
        "(parsing a (block|flow) node|parsing a flow)",
        "a value is missing here",
        "",
    ),
    _Meaning(
        "sequence entries are not allowed here",
        "a list cannot begin here",
        "begin it on a line of its own, or write [...]",
    ),
    _Meaning(
        "scanning an (alias|anchor)|found undefined alias",
        "no text begins with '*' or '&'",
        "put the text in quotes",
    ),
    _Meaning(
        "found unknown escape character '(.)'",
        "in double quotes a backslash cannot stand before '{0}'",
        "use single quotes, in which nothing is escaped",
    ),
    _Meaning(
        "expected a single document",
        "a second document begins here",
        "put it in a file of its own",
    ),
)


def explain(error: yaml.MarkedYAMLError) -> SyntaxMistake:
    """``error`` in our words and at the better place; in PyYAML's words where we have none."""
    said = ", ".join(part for part in (error.context, error.problem) if part)
    for meaning in _MEANINGS:
        if found := re.search(meaning.pattern, said):
            mark = error.context_mark if meaning.at_start else error.problem_mark
            return _at(mark, meaning.said.format(*found.groups()), hint=meaning.hint)
    return _at(error.problem_mark, said)


def _at(mark: yaml.Mark | None, said: str, *, hint: str = "") -> SyntaxMistake:
    assert mark is not None, "PyYAML marks all errors that it raises while composing"
    return SyntaxMistake(said, mark.line, mark.column, hint)
