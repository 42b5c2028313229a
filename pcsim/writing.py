"""How does a file come to be there whole or not at all?"""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

PREFIX = ".pcsim-"
"""What the names of files and folders begin with that are not in their place yet."""


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file so that readers see the old or the new content, never a part; OSErrors pass through.

    Folders above are made. Where ``path`` is a link, the file that the link leads to is replaced. Not
    ``durable``: after a power failure the file may be empty. This is for files whose readers check what
    they read.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = unique(path.parent)
    try:
        write_new(fresh, content, durable=durable)
        os.replace(fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def unique(folder: Path) -> Path:
    """A name in ``folder`` that nobody else has."""
    return folder / f"{PREFIX}{uuid.uuid4().hex[:12]}"


def write_new(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file that is not there yet, with the permissions that the user's umask gives."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` outlast a power failure, where the system can."""
    if os.name != "posix":
        return
    with contextlib.suppress(
        OSError
    ):  # Some file systems cannot; the names are there all the same.
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
