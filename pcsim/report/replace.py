"""How does a folder come to be there whole or not at all?"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path

from pcsim.errors import InputError, Problem


def check_folder(folder: Path, *, known: Collection[str]) -> None:
    """Make sure that replacing ``folder`` destroys nothing but entries with the names in ``known``.

    Raises InputError when it is a file, or a folder that holds anything else.
    """
    message = ""
    if folder.is_dir():
        foreign = sorted(entry.name for entry in folder.iterdir() if entry.name not in known)
        if foreign:
            message = f"{folder} must hold nothing but an earlier report, not {foreign[0]!r}"
    elif folder.exists() or folder.is_symlink():
        message = f"{folder} must be a folder, not a file"
    if message:
        raise InputError((Problem(message=message, hint="name another folder with -o"),))


def replace_folder(
    folder: Path, files: Mapping[str, str | bytes], *, known: Collection[str] = ()
) -> Path:
    """Write ``files``, by path inside ``folder``, in place of whatever ``folder`` held before.

    Everything is written beside ``folder`` first and renamed when complete, so that a failure
    leaves what was there. Returns ``folder``.

    Raises InputError when ``folder`` holds anything but entries named in ``files`` or ``known``.
    """
    check_folder(folder, known={*known, *(Path(name).parts[0] for name in files)})
    unique = uuid.uuid4().hex[:8]
    fresh = folder.with_name(f".{folder.name}.{unique}.new")
    try:
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        _put_in_place(fresh, folder, folder.with_name(f".{folder.name}.{unique}.old"))
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _put_in_place(fresh: Path, folder: Path, aside: Path) -> None:
    """Rename ``fresh`` to ``folder``; what was there is kept aside until that has worked."""
    if not folder.exists():
        fresh.rename(folder)
        return
    folder.rename(aside)
    try:
        fresh.rename(folder)
    except BaseException:
        aside.rename(folder)
        raise
    shutil.rmtree(aside)
