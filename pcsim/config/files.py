"""Which file does a name stand for?

Some files come along with the package: inside of it when it is installed, beside it in a checkout.
"""

from __future__ import annotations

import os
from pathlib import Path

from pcsim.config.fields import did_you_mean
from pcsim.errors import InputError, Problem

FOLDERS = {"hardware": "hw_configs", "workload": "workloads"}


def shipped(kind: str) -> dict[str, Path]:
    """The files of a ``kind``, "hardware" or "workload", that come along, by name."""
    package = Path(__file__).parent.parent
    inside = package / FOLDERS[kind]
    folder = inside if inside.is_dir() else package.parent / FOLDERS[kind]
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_file(reference: str | os.PathLike[str], kind: str) -> Path:
    """The file that a text or path stands for; a bare shipped name always means the shipped file.

    Raises:
        InputError: there is no such file.
    """
    known = shipped(kind)
    if isinstance(reference, str) and reference in known:
        return known[reference]
    if _is_file(path := Path(reference)):
        return path
    names = ", ".join(known)
    said = f"{kind} must be the path of a file or one of {names}, not {str(reference)!r}"
    raise InputError((Problem(said, hint=did_you_mean(path.name, known)),))


def find_base(reference: str, *, beside: Path, kind: str) -> Path | None:
    """The file that ``extends: reference`` means in the file ``beside``, None if there is none.

    A file relative to ``beside``, with or without ".yaml", else a shipped one; never ``beside``.
    """
    for name in (reference, f"{reference}.yaml"):
        path = beside.parent / name
        if _is_file(path) and not path.samefile(beside):
            return path
    return shipped(kind).get(reference)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # Such as a name that is too long for the file system.
        return False
