"""What stands in a YAML text, and on which line and column stands each of it?

Differs from PyYAML's loaders where these surprise: ``1e-3`` is a number, ``on`` and ``no`` are
words, only ``true`` and ``false`` are truth values, a repeated key is a mistake, and there are no
tags, directives, merge keys or dates. Size, depth and growth by aliases are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError

from pcsim.config.marks import Mark, MarkedValue, Path, show_path, show_value
from pcsim.config.yaml_mistakes import explain
from pcsim.config.yaml_tabs import TabScanner
from pcsim.errors import Problem

LARGEST_TEXT = 1 << 18
DEEPEST = 32
MOST_VALUES = 10_000
LONGEST_KEY = 100

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


@lru_cache(maxsize=32)  # A sweep reads its files once for every chip and workload.
def read_yaml(text: str, *, file: str) -> tuple[MarkedValue | None, tuple[Problem, ...]]:
    """The one document in ``text`` as nodes, and everything that is wrong with it as YAML.

    ``file`` is the name to show. There is no node where the text cannot be understood at all.
    """
    if len(text) > LARGEST_TEXT:
        said = f"the file must have at most {LARGEST_TEXT} characters, not {len(text)}"
        return None, (Problem(said, file),)
    builder = _Builder(text, file)
    try:
        document = compose(text)
        if document is None:
            return None, (Problem("the file must be a mapping of keys to values, not empty", file),)
        node = builder.build(document, ())
    except ReaderError as error:
        lines = f"{text[: error.position]}x".splitlines()
        place = builder.mark(len(lines) - 1, len(lines[-1]) - 1)
        return None, (place.problem(f"the file must be text, not {text[error.position]!r}"),)
    except yaml.MarkedYAMLError as error:
        mistake = explain(error)
        place = builder.mark(mistake.line, mistake.column)
        said = f"the file must be valid YAML: {mistake.said}"
        return None, (place.problem(said, hint=mistake.hint),)
    return node, tuple(builder.problems)


def compose(text: str) -> yaml.Node | None:
    """The one document in ``text`` as PyYAML's nodes, None if there is none.

    Raises:
        yaml.YAMLError: it is no YAML, or more of it than is accepted.
    """
    composer = _Composer(text)
    try:
        return composer.get_single_node()
    except (ValueError, OverflowError):  # How PyYAML says it of an escape such as "\UFFFFFFFF".
        raise _refused("there is no character of this number", composer.get_mark()) from None


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


class _Composer(Reader, TabScanner, Parser, Composer, Resolver):
    """PyYAML's pipeline up to nodes, without tags and directives, bounded in depth and number."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        TabScanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        self._depth = 0
        self._count = 0

    def fetch_directive(self) -> None:
        """A line that begins with "%"."""
        raise _refused("directives such as %YAML are not accepted", self.get_mark())

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()
        if getattr(event, "tag", None) is not None:
            said = f"tags such as {show_value(event.tag)} are not accepted"
            raise _refused(said, event.start_mark)
        if self._depth > DEEPEST:
            raise _refused(f"there are more than {DEEPEST} levels", event.start_mark)
        if self._count > 2 * MOST_VALUES:  # Keys and values.
            raise _refused(f"there are more than {MOST_VALUES} values", event.start_mark)
        self._count += 1
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
        self._shown: dict[int, str] = {}
        self._values = 0

    def mark(self, line: int, column: int) -> Mark:
        """The place at a 0-based line and column."""
        if line not in self._shown:
            source = self._lines[line] if line < len(self._lines) else ""
            shown = "".join(letter if letter.isprintable() else " " for letter in source)
            self._shown[line] = shown
        return Mark(self._file, line + 1, column + 1, self._shown[line])

    def build(self, node: yaml.Node, path: Path, *, key_mark: Mark | None = None) -> MarkedValue:
        """``node`` and all below it, aliases written out."""
        self._values += 1
        if self._values > MOST_VALUES:
            said = f"there are more than {MOST_VALUES} values, aliases written out"
            raise _refused(said, node.start_mark)
        if len(path) > DEEPEST:
            said = f"there are more than {DEEPEST} levels, aliases written out"
            raise _refused(said, node.start_mark)
        value: Any
        if isinstance(node, yaml.ScalarNode):
            value = _VALUES[node.tag](node.value)
        elif isinstance(node, yaml.SequenceNode):
            value = [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        else:
            value = self._mapping(node, path)
        return MarkedValue(value, self._start(node), key_mark)

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, MarkedValue]:
        children: dict[str, MarkedValue] = {}
        first_lines: dict[str, int] = {}
        for key, value in node.value:
            mark = self._start(key)
            if problem := _wrong_key(key, mark):
                self.problems.append(problem)
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


def _wrong_key(key: yaml.Node, mark: Mark) -> Problem | None:
    """What is wrong with a key that could be none of any file."""
    if not isinstance(key, yaml.ScalarNode):
        return mark.problem("a key must be a word, not a list or a mapping")
    if key.value == "<<":
        hint = "'extends: <file>' lays this file over another one"
        return mark.problem("a key must be a word, not the merge key '<<'", hint=hint)
    if not is_word(key.value):
        return mark.problem(f"a key must be a word, not {show_value(key.value)}")
    return None


def is_word(key: str) -> bool:
    """Whether a message can show ``key`` as it is."""
    return 0 < len(key) <= LONGEST_KEY and key.isprintable()


def _refused(said: str, where: yaml.Mark) -> yaml.MarkedYAMLError:
    """The error for YAML that is not accepted."""
    return yaml.MarkedYAMLError(problem=said, problem_mark=where)
