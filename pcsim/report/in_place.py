"""How does a folder that cannot be moved get its files? One by one, each in one step, and all or none of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pcsim.errors import OutputError
from pcsim.report.claim import Job
from pcsim.report.foreign import foreign_entries
from pcsim.report.turns import turn
from pcsim.report.workplace import Workplace, clear
from pcsim.writing import sync_folder


def fill(place: Path, files: Mapping[str, bytes], *, known: Collection[str], last: str) -> None:
    """Put ``files`` into ``place`` and take out what else an earlier report had there.

    All is written before anything is replaced. ``last`` is taken out first and put in last, so that a process
    that is killed in between leaves no report that looks whole.

    Raises:
        OSError: as what stopped it; all is as it was.
        OutputError: it was stopped, and not all could be put back.
    """
    clear(place, inside=True)
    job = Job("", tuple(files), tuple(sorted(known)))
    with Workplace(place, place, job) as work:
        work.write(files)
        with turn(place):
            before = sorted(_written_before(place, job))
            moves = _Moves(work)
            try:
                for name in [last] if last in before else []:
                    moves.take_out(name)
                for name in sorted(files, key=lambda name: name == last):
                    moves.put_in(name)
                for name in before:
                    if name not in files:
                        moves.take_out(name)
            except BaseException as error:
                if not moves.undo():
                    reason = getattr(error, "strerror", None) or str(error)
                    raise OutputError(
                        f"{place} could not be written: {reason}; it holds files of the earlier report and of "
                        "the new one, and the same command writes it again"
                    ) from None
                raise
            for folder in {place, *(path.parent for path, _ in moves.made)}:
                sync_folder(folder)


def _written_before(place: Path, job: Job) -> Iterator[str]:
    """Every file of an earlier report, by path in the folder."""
    foreign = set(foreign_entries(place, known=job.known, files=job.files))
    for top in job.known:
        path = place / top
        inside = sorted(path.iterdir()) if path.is_dir() and not path.is_symlink() else [path]
        for file in inside:
            name = file.relative_to(place).as_posix()
            if file.is_file() and not {name, top} & foreign:
                yield name


class _Moves:
    """Moves of files between the folder and a working folder in it, which can be undone.

    ``made`` are the files that were touched, each with where its earlier content is kept.
    """

    def __init__(self, work: Workplace) -> None:
        self.work = work
        self.made: list[tuple[Path, Path | None]] = []

    def put_in(self, name: str) -> None:
        target, kept = self.work.place / name, self.work.old / name
        target.parent.mkdir(exist_ok=True)
        if os.path.lexists(target):
            kept.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(target, kept)
            except OSError:  # A file system without links: for a moment there is no such file.
                target.rename(kept)
            self.made.append((target, kept))
        else:
            self.made.append((target, None))
        os.replace(self.work.new / name, target)

    def take_out(self, name: str) -> None:
        target, kept = self.work.place / name, self.work.old / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        target.rename(kept)
        self.made.append((target, kept))

    def undo(self) -> bool:
        """Put everything back; whether that worked."""
        right = True
        for target, kept in reversed(self.made):
            try:
                if kept is None:
                    target.unlink(missing_ok=True)
                elif kept.exists():
                    os.replace(kept, target)
            except OSError:
                right = False
        for folder in {target.parent for target, _ in self.made} - {self.work.place}:
            with contextlib.suppress(OSError):
                folder.rmdir()  # Only where it was made for this.
        return right
