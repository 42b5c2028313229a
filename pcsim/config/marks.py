"""Where does each value stand in what the user wrote?

A file becomes a tree of nodes, each with its place, so that merging files and setting single values
keeps every place, and any room can point at the line that its complaint is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pcsim.errors import Problem

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mark:
    """A place in the user's input: a file, a 1-based line and column, and the text of that line.

    Line and column are 0 and ``file`` is the option itself where the value came by ``--set``.
    """

    file: str
    line: int = 0
    column: int = 0
    source_line: str = ""

    def problem(self, message: str, *, hint: str = "") -> Problem:
        """A problem at this place."""
        return Problem(message, self.file, self.line, self.column, self.source_line, hint)


@dataclass(frozen=True)
class MarkedValue:
    """A value with its place: a scalar, a list of nodes, or a mapping of keys to nodes.

    ``key_mark`` is the place of the key that the value stands under, None outside of mappings.
    """

    value: Any
    mark: Mark
    key_mark: Mark | None = None


def plain(node: MarkedValue) -> Any:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def nodes_by_path(node: MarkedValue, *, path: Path = ()) -> Iterator[tuple[Path, MarkedValue]]:
    """``node`` and every node below it, each with its path."""
    yield path, node
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from nodes_by_path(child, path=(*path, key))
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            yield from nodes_by_path(child, path=(*path, index))


def show_path(path: Path) -> str:
    """A path as people write it: ``network.layers[0]``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def show_value(value: object) -> str:
    """A value as a message quotes it, in YAML's words and short."""
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return short(f"[{', '.join(show_value(item) for item in value)}]")
    return short(repr(value))


def short(text: str) -> str:
    """``text``, or its beginning where it would fill a message."""
    return text if len(text) <= 80 else f"{text[:77]}..."
