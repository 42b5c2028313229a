"""How does a folder come to be there whole or not at all?"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path

from pcsim.errors import InputError, OutputError, Problem


def check_folder(folder: Path, *, known: Collection[str]) -> None:
    """Make sure that replacing ``folder`` is possible and destroys nothing but entries in ``known``.

    Raises InputError when it is a file, a folder that holds anything else, or cannot be made.
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
    check_parent(folder)


def check_parent(folder: Path) -> None:
    """Make sure that ``folder`` can be made where it is to be.

    Raises InputError when something on the way is a file or must not be written.
    """
    above = folder.absolute().parent
    while not above.exists():
        above = above.parent
    reason = ""
    if not above.is_dir():
        reason = f"{above} is a file"
    elif not os.access(above, os.W_OK | os.X_OK):
        reason = f"{above} must not be written"
    if reason:
        message = f"{folder} must be a folder that can be made, but {reason}"
        raise InputError((Problem(message=message, hint="name another folder with -o"),))


def replace_folder(
    folder: Path, files: Mapping[str, str | bytes], *, known: Collection[str] = ()
) -> Path:
    """Write ``files``, by path inside ``folder``, in place of whatever ``folder`` held before.

    Everything is written beside ``folder`` first and renamed when complete, so that a failure
    leaves what was there; what a killed process left beside it is cleared away. Returns ``folder``.

    Raises InputError when ``folder`` holds anything but entries named in ``files`` or ``known``,
    OutputError when the disk is full or fails otherwise.
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
    except OSError as error:
        raise OutputError(
            f"{folder} could not be written: {error.strerror or error}; what was there is unchanged"
        ) from None
    finally:
        for left in folder.parent.glob(f".{folder.name}.????????.*"):
            shutil.rmtree(left, ignore_errors=True)
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
