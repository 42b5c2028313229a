"""How does a folder come to be there whole or not at all?

The new folder grows in a working folder beside its place. When complete, both change places in one step. A
folder that cannot be moved, as where something is mounted on it, gets its files one by one from a working
folder inside.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from pcsim.errors import InputError, OutputError, Problem
from pcsim.report.claim import Job, dead_workplaces
from pcsim.report.foreign import entries_of, foreign_entries, proven
from pcsim.report.in_place import fill
from pcsim.report.turns import exchange, turn
from pcsim.report.workplace import Workplace, clear
from pcsim.writing import PREFIX, sync_folder, unique

HINT = "name another folder with -o"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_CANNOT_MOVE = (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES, errno.EROFS)
_LONGEST_NAME = 255
_ROOM = f"{PREFIX}0123456789ab/new/figures/a_name_as_long_as_figures_have_at_most.svg"


def check_folder(
    folder: Path, *, known: Collection[str], marks: Mapping[str, bytes] | None = None
) -> None:
    """Make sure that replacing ``folder`` is possible and destroys nothing but an earlier report.

    ``known`` are the names that a report can have in it, ``marks`` what at least one of these files holds if pcsim
    wrote it.

    Raises:
        InputError: it is a file, holds anything else, cannot be made or cannot be written.
        OutputError: the disk is full.
    """
    _check(folder, known, marks or {}, ())


def _check(
    folder: Path, known: Collection[str], marks: Mapping[str, bytes], files: Collection[str]
) -> None:
    place = _place(folder)
    if os.path.exists(place):
        _check_contents(folder, place, known, marks, files)
    check_parent(folder)
    inside = os.path.exists(place) and _stays(place)
    _try(folder, place if inside else _nearest(place.parent))


def check_parent(folder: Path) -> None:
    """Make sure that ``folder`` can be made where it is to be, or is there and can be written.

    Raises InputError when something on the way is a file, leads nowhere, has too long a name or must not be
    written.
    """
    place = _place(folder)
    if os.path.isdir(place) and _stays(place):
        reason = "" if os.access(place, os.W_OK | os.X_OK) else f"{place} must not be written"
    else:
        above = _nearest(place.parent)
        reason = ""
        if above.is_symlink():
            reason = f"{above} is a link that leads nowhere"
        elif not above.is_dir():
            reason = f"{above} is a file"
        elif not os.access(above, os.W_OK | os.X_OK):
            reason = f"{above} must not be written"
    if reason:
        raise _refusal(f"{folder} must be a folder that can be made, but {reason}")


def _place(folder: Path) -> Path:
    """Where ``folder`` really is, without links, ".." and ".".

    Raises InputError where no folder can be.
    """
    try:
        if os.path.islink(folder) and not os.path.exists(folder):
            raise _refusal(f"{folder} must be a folder, not a link that leads nowhere")
        place = Path(os.path.realpath(folder))
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(place / _ROOM)
        if os.path.exists(place) and not os.path.isdir(place):
            raise _refusal(f"{folder} must be a folder, not a file")
        if max(len(os.fsencode(part)) for part in place.parts) > _LONGEST_NAME:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    except PermissionError:
        return place  # Told when writing there is checked.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refusal(f"{_short(folder)} must be a folder that can be made ({reason})") from None
    return place


def _short(folder: Path) -> str:
    text = str(folder)
    return text if len(text) <= 200 else f"{text[:100]}...{text[-50:]}"


def _nearest(place: Path) -> Path:
    """The first of ``place`` and the folders above it that is there."""
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    return place


def _refusal(message: str) -> InputError:
    return InputError((Problem(message=message, hint=HINT),))


def _check_contents(
    folder: Path,
    place: Path,
    known: Collection[str],
    marks: Mapping[str, bytes],
    files: Collection[str],
) -> None:
    try:
        with turn(place.parent), turn(place):  # While nobody else puts another in its place.
            with dead_workplaces(place) as dead:
                left = [name for _, job in dead for name in job.files]
            foreign = next(foreign_entries(place, known=known, files={*left, *files}), None)
            entries = entries_of(place)
    except OSError as error:
        raise _refusal(f"{folder} must be a folder that can be read ({error.strerror})") from None
    if foreign is not None:
        raise _refusal(f"{folder} must hold nothing but an earlier report, not {foreign!r}")
    if marks and entries and not left and not proven(place, marks):
        said = f"{folder} must hold nothing but an earlier report, but {entries[0]!r} is of none"
        raise _refusal(said)


def _stays(place: Path) -> bool:
    """Whether the folder must stay the one that it is: something is mounted there, this process works in it
    or below, or nothing beside it can be written."""
    try:
        here = Path(os.path.realpath(os.getcwd()))
    except OSError:
        here = place
    return (
        os.path.ismount(place)
        or here.is_relative_to(place)
        or not os.access(place.parent, os.W_OK | os.X_OK)
    )


def _try(folder: Path, where: Path) -> None:
    """Make a working folder there, as replacing will, and remove it again."""
    path = unique(where)
    try:
        path.mkdir()
        with contextlib.suppress(
            FileNotFoundError
        ):  # Another process took it for one that was left.
            path.rmdir()
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _FULL:
            raise OutputError(f"{folder} cannot be written: {reason}; nothing was begun") from None
        raise _refusal(
            f"{folder} must be a folder that can be made, but {where} cannot be written ({reason})"
        ) from None


def replace_folder(
    folder: Path,
    files: Mapping[str, str | bytes],
    *,
    known: Collection[str] = (),
    marks: Mapping[str, bytes] | None = None,
    last: str = "",
) -> Path:
    """Write ``files``, by path inside ``folder``, in place of whatever ``folder`` held before.

    A failure leaves what was there; what a killed process left is cleared away. Where files are put in one by
    one, ``last`` is the last. Of two processes that replace one folder, one is first and the other second.
    Returns ``folder``.

    Raises:
        InputError: as ``check_folder``; entries of ``files`` are known, too.
        OutputError: the disk is full or fails otherwise.
    """
    every = {*known, *(Path(name).parts[0] for name in files)}
    _check(folder, every, marks or {}, files)
    place = _place(folder)
    content = {n: text.encode() if isinstance(text, str) else text for n, text in files.items()}
    inside = os.path.exists(place) and _stays(place)
    try:
        if not inside:
            try:
                _beside(place, content, every)
            except OSError as error:
                if error.errno not in _CANNOT_MOVE or not os.path.isdir(place):
                    raise
                inside = True
        if inside:
            fill(place, content, known=every, last=last)
    except OSError as error:
        raise OutputError(
            f"{folder} could not be written: {error.strerror or error}; what was there is unchanged"
        ) from None
    return folder


def _beside(place: Path, files: Mapping[str, bytes], known: Collection[str]) -> None:
    """Grow the new folder beside ``place`` and let them change places. An OSError leaves all as it was."""
    above = place.parent
    above.mkdir(parents=True, exist_ok=True)
    clear(above, inside=False)
    job = Job(place.name, tuple(files), tuple(sorted(known)))
    with Workplace(above, place, job) as work:
        work.write(files)
        with turn(above):
            _put_in_place(work)
            sync_folder(above)


def _put_in_place(work: Workplace) -> None:
    """Move the new folder to its place, and into the working folder what was there."""
    place = work.place
    for _ in range(100):  # Without a lock another process may come in between.
        if os.path.exists(place):
            with contextlib.suppress(OSError):
                os.chmod(work.new, stat.S_IMODE(place.stat().st_mode))
            try:
                if exchange(work.new, place):
                    return
                place.rename(work.old)
            except FileNotFoundError:
                continue
            try:
                work.new.rename(place)
            except BaseException:
                with contextlib.suppress(OSError):
                    work.old.rename(place)
                raise
            return
        try:
            work.new.rename(place)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    raise OSError(errno.EBUSY, "other processes replace it all the time")
