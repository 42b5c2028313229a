"""Whose is a working folder? It holds a locked file that says what it is for.

The operating system gives the lock up when its process ends, however that happens. So what a killed process
left is told from what another process still works on.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pcsim.writing import PREFIX

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there, and nothing cleared away.
    fcntl = None  # type: ignore[assignment]

LOCK = "lock"
_HIDDEN = "lock.new"
_SHAPE = re.compile(re.escape(PREFIX) + "[0-9a-f]{12}")
_SCHEMA = "pcsim/work in progress/1"


@dataclass(frozen=True)
class Job:
    """What a working folder is for: the name of the folder beside it, empty for the one around it, the files
    that are written, and all entries that such a folder can have."""

    folder: str
    files: tuple[str, ...]
    known: tuple[str, ...]


def claim(folder: Path, job: Job) -> int:
    """Make the locked file of a working folder; nobody sees the file before it is locked. Returns its handle.

    Raises FileNotFoundError where another process has cleared the folder away.
    """
    text = json.dumps({"schema": _SCHEMA, **asdict(job)})
    hidden = folder / _HIDDEN
    handle = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FileNotFoundError from None  # Another process is about to clear it away.
            except OSError:
                pass  # A file system without locks.
        os.write(handle, text.encode())
        hidden.rename(folder / LOCK)
    except BaseException:
        os.close(handle)
        with contextlib.suppress(OSError):
            hidden.unlink(missing_ok=True)
        raise
    return handle


def is_workplace(path: Path) -> bool:
    """Whether this is a working folder of a process of pcsim, living or dead, just made or just gone."""
    if not _SHAPE.fullmatch(path.name):
        return False
    try:
        return set(os.listdir(path)) <= {_HIDDEN} or _job_of(path) is not None
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _job_of(path: Path) -> Job | None:
    try:
        said = json.loads((path / LOCK).read_bytes())
        if said.pop("schema") != _SCHEMA:
            return None
        return Job(str(said["folder"]), tuple(said["files"]), tuple(said["known"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@contextlib.contextmanager
def dead_workplaces(above: Path) -> Iterator[list[tuple[Path, Job]]]:
    """The working folders in ``above`` whose processes have ended; nobody else takes them meanwhile."""
    found: list[tuple[Path, Job]] = []
    with contextlib.ExitStack() as stack:
        if fcntl is not None:
            for path in _shaped(above):
                job = _job_of(path)
                if job is not None and _take(path / LOCK, stack):
                    found.append((path, job))
        yield found


def remove_unclaimed(above: Path) -> None:
    """Remove working folders that do not say what they are for, as their processes were killed at once. There
    is nothing in such a folder."""
    for path in _shaped(above):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if os.listdir(path) == [_HIDDEN] and _take(path / _HIDDEN, stack):
                (path / _HIDDEN).unlink()
            path.rmdir()  # Only where it is empty.


def _shaped(above: Path) -> list[Path]:
    try:
        return sorted(path for path in above.iterdir() if _SHAPE.fullmatch(path.name))
    except OSError:
        return []


def _take(path: Path, stack: contextlib.ExitStack) -> bool:
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    stack.callback(os.close, handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return path.exists()  # Its owner may have removed it since.
