"""Which Python files bring further kinds of compute units or operators, and what is wrong with them?

An extension is a module that calls `pcsim.machine.units.register` or `pcsim.extend.register_operator` when it is
imported. Importing one runs its code, so none is imported because a file names it: the user must say so in that very
command.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pcsim.config.fields import FieldKind, must_be, rejected
from pcsim.config.marks import MarkedValue
from pcsim.errors import InputError, Problem

FLAG = "--allow-extensions"
"""The option by which the user says so; in Python ``allow_extensions=True``."""
_SHAPE = "the path of a Python file such as ./dot.py"
_CONSENT = (
    f"to trust that file as you would a program, give {FLAG}, or in Python allow_extensions=True"
)


def python_files() -> FieldKind:
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
    return FieldKind(read, lambda value: None if value is None else list(value), schema)


def with_extensions(tree: MarkedValue, *, allowed: bool) -> tuple[MarkedValue, tuple[Problem, ...]]:
    """A file's tree with its extensions imported and their paths absolute, and what is wrong with them.

    Unless ``allowed``, an extension that this process has not imported yet is a problem.
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
            if not (allowed or _is_imported(Path(path))):
                said = "must be allowed in the command, as it names a program"
                problems.append(item.mark.problem(f"extensions[{index}] {said}", hint=_CONSENT))
            elif why := _imported(Path(path)):
                said = f"must be {_SHAPE} that can be imported, not {path!r}"
                problems.append(item.mark.problem(f"extensions[{index}] {said}", hint=why))
            item = MarkedValue(path, item.mark, item.key_mark)
        items.append(item)
    there = MarkedValue(items, node.mark, node.key_mark)
    values = {**tree.value, "extensions": there}
    return MarkedValue(values, tree.mark, tree.key_mark), tuple(problems)


def needs_consent(problems: Sequence[Problem]) -> bool:
    """Whether one of these is an extension that was not allowed, so that its kinds are not known."""
    return any(problem.hint == _CONSENT for problem in problems)


def import_again(paths: Sequence[str]) -> None:
    """Import in a worker process what the process that sends it work has imported.

    Raises:
        InputError: a file is not there on the worker's machine, or cannot be imported.
    """
    for path in paths:
        if why := _imported(Path(path)):
            said = f"a worker must be able to import the extension {path!r}"
            raise InputError((Problem(said, hint=why),))


def _is_imported(path: Path) -> bool:
    return _is_at(sys.modules.get(path.stem), path)


def _is_at(module: Any, path: Path) -> bool:
    found = getattr(module, "__file__", None)
    try:
        return found is not None and path.samefile(found)
    except OSError:
        return False


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
    with _interruptions() as pressed:
        try:
            module = importlib.import_module(path.stem)
        except (
            BaseException
        ) as error:  # Whatever the file does, leaving included, is told at its place.
            if pressed:
                raise
            return _said(error)
    if not _is_at(module, path):
        return f"there is another module {path.stem}; give the file a name of its own"
    return ""


def _said(error: BaseException) -> str:
    """The error's name and, where it has one, its message in a line."""
    name = type(error).__name__
    try:
        message = " ".join(str(error).split())
    except Exception:  # The class is the user's, too.
        message = ""
    return f"{name}: {message}" if message else name


@contextmanager
def _interruptions() -> Iterator[list[int]]:
    """Notes when the user interrupts: a file can raise KeyboardInterrupt, too."""
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed
        return
    handler: Callable[..., object] = before

    def noticed(number: int, frame: Any) -> None:
        pressed.append(number)
        handler(number, frame)

    signal.signal(signal.SIGINT, noticed)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
