"""Where does a new folder grow until it is whole? In a working folder beside it or, for a mount, inside it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from pcsim.report.claim import LOCK, Job, claim, dead_workplaces, remove_unclaimed
from pcsim.report.foreign import foreign_entries
from pcsim.writing import sync_folder, unique, write_new

NEW, OLD = "new", "old"


class Workplace:
    """A working folder in ``above``, for what is to be at ``place``.

    Its life: made, filled by ``write``, emptied by moves out of ``new`` and into ``old``, removed at the end.
    """

    def __init__(self, above: Path, place: Path, job: Job) -> None:
        self.place, self.job = place, job
        self.path, self._claim = _claimed(above, job)
        self.new, self.old = self.path / NEW, self.path / OLD
        try:
            self.new.mkdir()
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> Workplace:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write all files of the new folder, so that they outlast a power failure."""
        folders = {self.new}
        for name, content in files.items():
            path = self.new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.add(path.parent)
            write_new(path, content)
        for folder in folders:
            sync_folder(folder)

    def remove(self) -> None:
        """Remove what was written here and is not in its place, and what was replaced."""
        _remove(self.path, self.place, self.job)
        os.close(self._claim)


def _claimed(above: Path, job: Job) -> tuple[Path, int]:
    """A new working folder, and the handle of its locked file."""
    for _ in range(100):
        path = unique(above)
        path.mkdir()
        try:
            return path, claim(path, job)
        except FileNotFoundError:
            continue  # Another process took the empty folder for one that was left.
        except BaseException:
            with contextlib.suppress(OSError):
                path.rmdir()
            raise
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def clear(above: Path, *, inside: bool) -> None:
    """Clear away what killed processes left in ``above``: working folders for folders beside them, or
    ``inside`` for ``above`` itself. A folder that was moved away and not replaced yet is put back."""
    remove_unclaimed(above)
    with dead_workplaces(above) as dead:
        for path, job in dead:
            if inside != (not job.folder) or Path(job.folder).name != job.folder:
                continue
            place = above / job.folder
            if not inside and (path / OLD).is_dir() and not place.exists():
                with contextlib.suppress(OSError):
                    (path / OLD).rename(place)
            _remove(path, place, job)


def _remove(path: Path, place: Path, job: Job) -> None:
    """Remove a working folder, and in it nothing but what pcsim wrote."""
    for part in (path / NEW, path / OLD):
        if part.is_dir() and not part.is_symlink() and _given_back(part, place, job):
            shutil.rmtree(part, ignore_errors=True)
    with contextlib.suppress(OSError):
        (path / LOCK).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.rmdir()


def _given_back(replaced: Path, place: Path, job: Job) -> bool:
    """Move what pcsim did not write from the folder that was replaced to ``place``; whether all went.

    What came into the folder while the new one was written is the user's.
    """
    everything = True
    for name in list(foreign_entries(replaced, known=job.known, files=job.files)):
        target = place / name
        try:
            if os.path.lexists(target):
                raise FileExistsError
            target.parent.mkdir(exist_ok=True)
            (replaced / name).rename(target)
        except FileNotFoundError:
            continue
        except OSError:
            everything = False
    if not everything:  # It stays beside the report, in sight.
        with contextlib.suppress(OSError):
            replaced.rename(place.parent / unique(Path(f"{place.name}-replaced")).name[1:])
    return everything
