"""What stands in a YAML text, and on which line and column stands each of it?

Differs from PyYAML's loaders where these surprise: ``1e-3`` is a number, ``on`` and ``no`` are
words, only ``true`` and ``false`` are truth values, a repeated key is a mistake, and there are no
tags, merge keys or dates. Size, depth and growth by aliases are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.scanner import Scanner

from pcsim.config.marks import Mark, Node, Path, show_path
from pcsim.errors import Problem

LARGEST_TEXT = 1 << 18
DEEPEST = 32
MOST_VALUES = 10_000

_TAG = "tag:yaml.org,2002:"
_WORDS = {
    f"{_TAG}null": re.compile(r"~|null|"),
    f"{_TAG}bool": re.compile(r"true|false"),
    f"{_TAG}int": re.compile(r"[-+]?(?:0|[1-9][0-9]{0,39})"),
    f"{_TAG}float": re.compile(
        r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)"
    ),
}
_VALUES: Mapping[str, Callable[[str], object]] = {
    f"{_TAG}null": lambda _word: None,
    f"{_TAG}bool": lambda word: word == "true",
    f"{_TAG}int": int,
    f"{_TAG}float": float,
    f"{_TAG}str": str,
}


def read_yaml(text: str, *, file: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """The one document in ``text`` as nodes, and everything that is wrong with it as YAML.

    ``file`` is the name to show. There is no node where the text cannot be understood at all.
    """
    if len(text) > LARGEST_TEXT:
        said = f"the file must have at most {LARGEST_TEXT} characters, not {len(text)}"
        return None, (Problem(said, file),)
    builder = _Builder(text, file)
    try:
        document = _Composer(text).get_single_node()
        if document is None:
            return None, (Problem("the file must be a mapping of keys to values, not empty", file),)
        node = builder.build(document, ())
    except ReaderError as error:
        lines = f"{text[: error.position]}x".splitlines()
        place = builder.mark(len(lines) - 1, len(lines[-1]) - 1)
        return None, (place.problem(f"the file must be text, not {text[error.position]!r}"),)
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark
        place = builder.mark(where.line, where.column) if where else Mark(file)
        said = ", ".join(part for part in (error.context, error.problem) if part)
        return None, (place.problem(f"the file must be valid YAML: {said}"),)
    return node, tuple(builder.problems)


class Resolver:
    """Which type a plain word has. A base of the composer, and of the dumper so that it quotes."""

    def descend_resolver(self, _parent: object, _index: object) -> None:
        """Types depend on nothing around them."""

    def ascend_resolver(self) -> None:
        """Types depend on nothing around them."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """The tag of a node; ``implicit[0]`` says that a scalar stands there without quotes."""
        if kind is not yaml.ScalarNode:
            return f"{_TAG}seq" if kind is yaml.SequenceNode else f"{_TAG}map"
        if implicit[0]:
            for tag, words in _WORDS.items():
                if words.fullmatch(value):
                    return tag
        return f"{_TAG}str"


class _Composer(Reader, Scanner, Parser, Composer, Resolver):
    """PyYAML's pipeline up to nodes, without tags and with bounded depth."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            raise _refused(f"tags such as {event.tag!r} are not accepted", event)
        if self._depth > DEEPEST:
            raise _refused(f"there are more than {DEEPEST} levels", event)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Builder:
    """Turns PyYAML's nodes into ours; collects the problems that do not stop the reading."""

    def __init__(self, text: str, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._lines = text.splitlines()
        self._values = 0

    def mark(self, line: int, column: int) -> Mark:
        """The place at a 0-based line and column."""
        source = self._lines[line] if line < len(self._lines) else ""
        shown = "".join(letter if letter.isprintable() else " " for letter in source)
        return Mark(self._file, line + 1, column + 1, shown)

    def build(self, node: yaml.Node, path: Path, *, key_mark: Mark | None = None) -> Node:
        """``node`` and all below it, aliases written out."""
        self._values += 1
        if self._values > MOST_VALUES:
            raise _refused(f"there are more than {MOST_VALUES} values, aliases written out", node)
        if len(path) > DEEPEST:
            raise _refused(f"there are more than {DEEPEST} levels, aliases written out", node)
        value: Any
        if isinstance(node, yaml.ScalarNode):
            value = _VALUES[node.tag](node.value)
        elif isinstance(node, yaml.SequenceNode):
            value = [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        else:
            value = self._mapping(node, path)
        return Node(value, self._start(node), key_mark)

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Node]:
        children: dict[str, Node] = {}
        first_lines: dict[str, int] = {}
        for key, value in node.value:
            mark = self._start(key)
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append(mark.problem("a key must be a word, not a list or a mapping"))
                continue
            child = self.build(value, (*path, key.value), key_mark=mark)
            if key.value in children:
                self.problems.append(
                    mark.problem(
                        f"{show_path((*path, key.value))} must be given once, not again",
                        hint=f"first given on line {first_lines[key.value]}",
                    )
                )
                continue
            children[key.value] = child
            first_lines[key.value] = mark.line
        return children

    def _start(self, node: yaml.Node) -> Mark:
        return self.mark(node.start_mark.line, node.start_mark.column)


def _refused(said: str, where: Any) -> yaml.MarkedYAMLError:
    """The error for YAML that is not accepted, at the event or node ``where``."""
    return yaml.MarkedYAMLError(problem=said, problem_mark=where.start_mark)
