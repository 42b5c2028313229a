"""Which Python files bring further kinds of compute units, and what is wrong with them?

An extension is a module that calls `pcsim.machine.units.register` when it is imported. A hardware file
that names one runs its code: it deserves the trust that a program does.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from pcsim.config.fields import Kind, must_be, rejected
from pcsim.config.marks import Node, show_value
from pcsim.errors import Problem

_SHAPE = "the path of a Python file such as ./dot.py"


def python_files() -> Kind:
    """A list of paths of Python files, imported before."""

    def read(value: Any, from_file: bool) -> tuple[str, ...] | None:
        if value is None and not from_file:
            return None
        if not isinstance(value, list | tuple) or not value:
            raise rejected([must_be("a list of paths of Python files", value)])
        wrong = [
            must_be(_SHAPE, item, path=(index,))
            for index, item in enumerate(value)
            if not isinstance(item, str) or not item.endswith(".py")
        ]
        if wrong:
            raise rejected(wrong)
        return tuple(value)

    items = {"type": "string", "pattern": r"\.py$"}
    schema = {"type": "array", "items": items, "minItems": 1}
    return Kind(read, lambda value: None if value is None else list(value), schema)


def with_extensions(tree: Node) -> tuple[Node, tuple[Problem, ...]]:
    """A chip's tree with its extensions imported and their paths absolute, and what is wrong with them.

    A path is relative to the file that gives it; one that an option gives, to the working folder.
    """
    node = tree.value.get("extensions")
    if node is None or not isinstance(node.value, list):
        return tree, ()
    items, problems = [], []
    for index, item in enumerate(node.value):
        if isinstance(item.value, str) and item.value.endswith(".py"):
            folder = Path(item.mark.file).parent if item.mark.line else Path()
            path = os.path.abspath(folder / os.path.expanduser(item.value))
            if why := _imported(Path(path)):
                said = f"must be {_SHAPE} that can be imported, not {show_value(path)}"
                problems.append(item.mark.problem(f"extensions[{index}] {said}", hint=why))
            item = Node(path, item.mark, item.key_mark)
        items.append(item)
    there = Node(items, node.mark, node.key_mark)
    values = {**tree.value, "extensions": there}
    return Node(values, tree.mark, tree.key_mark), tuple(problems)


def _imported(path: Path) -> str:
    """Import the module at ``path`` under its own name, as ``python`` would beside it; or why not.

    By its name, so that worker processes, which inherit the search path, find its classes again.
    """
    if not path.is_file():
        return "there is no such file"
    if not path.stem.isidentifier():
        return "its name must be one that Python can import"
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        module = importlib.import_module(path.stem)
    except Exception as error:  # Whatever the user's code does wrong is told at its place.
        return f"{type(error).__name__}: {error}"
    found = getattr(module, "__file__", None)
    if found is None or not path.samefile(found):
        return f"there is another module {path.stem}; give the file a name of its own"
    return ""
