"""Which file does a name stand for?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pcsim.config.fields import nearest
from pcsim.config.marks import show_value
from pcsim.errors import InputError, Problem
from pcsim.shipped import FOLDERS, shipped


def find_file(reference: str | os.PathLike[str], kind: str) -> Path:
    """The file that a text or path stands for; a bare shipped name always means the shipped file.

    Raises:
        InputError: there is no such file.
    """
    known = shipped(kind)
    if isinstance(reference, str) and reference in known:
        return known[reference]
    if is_file(path := Path(reference)):
        return path
    names = ", ".join(known)
    said = f"{kind} must be the path of a file or one of {names}, not {show_value(str(reference))}"
    raise InputError((Problem(said, hint=what_is(str(reference), kind=kind)),))


def find_base(reference: str, *, beside: Path, kind: str) -> Path | None:
    """The file that ``extends: reference`` means in the file ``beside``, None if there is none.

    A file relative to ``beside``, with or without ".yaml", else a shipped one; never ``beside``.
    """
    for name in (reference, f"{reference}.yaml"):
        path = beside.parent / name
        if is_file(path) and not path.samefile(beside):
            return path
    return shipped(kind).get(reference)


def what_is(reference: str, *, kind: str, folder: Path = Path()) -> str:
    """A hint at what ``reference`` is or means where it is no file of ``kind`` seen from ``folder``."""
    others = [other for other in FOLDERS if other != kind and reference in shipped(other)]
    if others:
        return f"{reference} is a {others[0]} file"
    path = folder / reference
    if _tells(path, Path.is_dir):
        return "this is a folder"
    if _tells(path, Path.exists):
        return "this is no regular file"
    beside = sorted(path.parent.glob("*.yaml")) if _tells(path.parent, Path.is_dir) else ()
    names = dict.fromkeys(shipped(kind)) | {file.stem: file.name for file in beside}
    close = nearest(path.stem, names)
    return f"did you mean {names[close] or close!r}?" if close else ""


def is_file(path: Path) -> bool:
    """Whether there is a regular file; of a name that no file can have, too."""
    return _tells(path, Path.is_file)


def _tells(path: Path, question: Callable[[Path], bool]) -> bool:
    try:
        return question(path)
    except (OSError, ValueError):  # Such as a name that is too long, or that no file can have.
        return False
