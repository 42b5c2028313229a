"""What does a file say together with the files that it extends?"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from pcsim.config.files import find_base, what_is
from pcsim.config.hardware import HardwareSchema
from pcsim.config.marks import MarkedValue, plain, show_value
from pcsim.config.network import WAYS
from pcsim.config.workload import WorkloadSchema
from pcsim.config.yaml_marks import LARGEST_TEXT, read_yaml
from pcsim.errors import Problem
from pcsim.shipped import shipped

SCHEMAS = {"hardware": get_args(HardwareSchema)[0], "workload": get_args(WorkloadSchema)[0]}

LONGEST_CHAIN = 32
"""Files that may extend one another."""

_CHOSEN_BY = {"compute": "kind", "rule": "name"}
"""The word that chooses which keys a section has, by the key that the section stands under."""

Tree = tuple[MarkedValue | None, tuple[Problem, ...]]
"""What was understood of a file, if there is any sense in looking further, and what is wrong."""


def read_tree(path: Path) -> Tree:
    """The mapping in one file."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_TEXT + 1)
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        return None, (Problem(f"the file must be readable ({reason})", str(path)),)
    if len(content) > LARGEST_TEXT:
        said = f"the file must have at most {LARGEST_TEXT} bytes, not {path.stat().st_size}"
        return None, (Problem(said, str(path)),)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, (_not_utf8(content, error.start, file=str(path)),)
    tree, problems = read_yaml(text.removeprefix("\ufeff"), file=str(path))
    if tree is not None and not isinstance(tree.value, dict):
        said = f"the file must be a mapping of keys to values, not {show_value(plain(tree))}"
        return None, (*problems, tree.mark.problem(said))
    return tree, problems


def read_extended(path: Path, kind: str, *, above: tuple[Path, ...] = ()) -> Tree:
    """The file laid over those that it extends. ``above`` are the files that extend it.

    Mappings are merged but for single costs, all else replaces what it extends. A name is not
    inherited: two chips of one name could not be told apart in a report.
    """
    tree, problems = read_tree(path)
    if tree is None:
        return None, problems
    schema, wrong = tree.value.get("schema"), _wrong_schema(tree, kind)
    problems += wrong
    if wrong and schema is not None:
        return None, problems
    keys = {key: node for key, node in tree.value.items() if key != "extends"}
    own = MarkedValue(keys, tree.mark)
    if "extends" not in tree.value:
        return own, problems
    extends = tree.value["extends"]
    base_path, wrong = _base_path(extends, path, kind, above)
    if base_path is None:
        return None, problems + wrong
    base, wrong = read_extended(base_path, kind, above=(*above, path))
    if base is None:
        return None, problems + wrong
    inherited = {key: node for key, node in base.value.items() if key != "name"}
    return laid_over(MarkedValue(inherited, base.mark), own), problems + wrong


def laid_over(base: MarkedValue, top: MarkedValue, *, key: str = "") -> MarkedValue:
    """``top`` where it says something, ``base`` where only that does, each with its own places.

    ``key`` is the one that both stand under. A cost is not merged: its source is of its number; nor is a
    compute unit or rule of another kind, which has other keys, nor another network.
    """
    if not isinstance(base.value, dict) or not isinstance(top.value, dict):
        return top
    word = _CHOSEN_BY.get(key)
    if word in top.value and word in base.value:
        chosen = (plain(top.value[word]), plain(base.value[word]))
        if chosen[0] != chosen[1]:
            return top
    merged = dict(base.value)
    if key == "network" and any(way in top.value and way not in base.value for way in WAYS):
        # Another network takes over nothing that only says which one it was.
        drop = {
            *WAYS,
            "input",
            "skips",
            "bias",
            "direction",
            *(["activation"] if "nodes" in top.value else []),
        }
        merged = {child: node for child, node in merged.items() if child not in drop}
    if not key and {"pc", "rule"} & set(top.value):
        # One rule competes with backpropagation: a file that gives another takes over none.
        drop = {"pc", "rule"}.difference(top.value)
        merged = {child: node for child, node in merged.items() if child not in drop}
    for child, node in top.value.items():
        merge = child in merged and key != "costs"
        merged[child] = laid_over(merged[child], node, key=child) if merge else node
    return MarkedValue(merged, top.mark, top.key_mark)


def _not_utf8(content: bytes, at: int, *, file: str) -> Problem:
    """The complaint about the byte at ``at``."""
    lines = content.decode("utf-8", "replace").split("\n")
    before = content[:at].decode("utf-8", "replace")
    line, column = before.count("\n"), len(before) - before.rfind("\n")
    source = "".join(letter if letter.isprintable() else " " for letter in lines[line])
    said = f"the file must be UTF-8 text, not bytes such as 0x{content[at]:02x}"
    return Problem(said, file, line + 1, column, source)


def _wrong_schema(tree: MarkedValue, kind: str) -> tuple[Problem, ...]:
    node = tree.value.get("schema")
    if node is None:
        hint = f"the first line of a {kind} file is 'schema: {SCHEMAS[kind]}'"
        return (tree.mark.problem("schema must be given", hint=hint),)
    if node.value == SCHEMAS[kind]:
        return ()
    others = [other for other, schema in SCHEMAS.items() if schema == node.value]
    hint = f"this is a {others[0]} file, where a {kind} file is expected" if others else ""
    said = f"schema must be {SCHEMAS[kind]!r}, not {show_value(plain(node))}"
    return (node.mark.problem(said, hint=hint),)


def _base_path(
    extends: MarkedValue, path: Path, kind: str, above: tuple[Path, ...]
) -> tuple[Path | None, tuple[Problem, ...]]:
    known = shipped(kind)
    named = type(extends.value) is str
    base = find_base(extends.value, beside=path, kind=kind) if named else None
    if base is None:
        said = (
            f"extends must be a file beside this one or one of {', '.join(known)}, "
            f"not {show_value(plain(extends))}"
        )
        hint = what_is(extends.value, kind=kind, folder=path.parent) if named else ""
        if extends.value in (path.name, path.stem):
            hint = "a file cannot extend itself"
        return None, (extends.mark.problem(said, hint=hint),)
    chain = (*above, path)
    if len(chain) > LONGEST_CHAIN:
        said = f"extends must lead over at most {LONGEST_CHAIN} files, not more"
        return None, (extends.mark.problem(said),)
    if any(base.samefile(other) for other in chain):
        names = " -> ".join(file.name for file in (*chain, base))
        said = f"extends must not lead back to the same file, as {names} does"
        return None, (extends.mark.problem(said),)
    return base, ()
