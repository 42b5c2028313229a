"""How does a command end? With an exit code and, where something is wrong, one sentence; never a traceback.

| code | when |
|---|---|
| 0 | done; also where the reader of a pipe had enough (``pcsim list | head -1``) |
| 2 | the input is wrong |
| 3 | anything else: the machine, a library, standard output, or pcsim itself |
| 130 | interrupted |

A fault of pcsim itself is told with what to report: its traceback lies in a file. The environment variable
PCSIM_DEBUG shows the traceback at once. This module imports nothing that could be missing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pcsim.cli.letters import in_ascii
from pcsim.cli.streams import failure_of
from pcsim.errors import PcsimError

DONE, WRONG_INPUT, FAILED, INTERRUPTED = 0, 2, 3, 130
CODES = (DONE, WRONG_INPUT, FAILED, INTERRUPTED)

FOLDER = "failures"
"""Of the cache, for what failed and why."""

MACHINE = (
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE,
    errno.ENFILE, errno.ENOMEM, errno.ENOENT, errno.ENAMETOOLONG, errno.ESTALE,
)  # fmt: skip
"""Errors of files for which the machine is to blame, not pcsim."""

_written: list[str] = []


def written(what: str) -> None:
    """Remember that ``what`` ("the report is in reports/a") was written, should the command fail after that."""
    _written.append(what)


def ended(command: Callable[[], object]) -> int:
    """Run ``command``, tell what is to be told of how that ended, and return the exit code."""
    _written.clear()
    try:
        command()
        code = DONE
    except BaseException as error:
        try:
            code = _told(error)
        except BaseException:
            code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED
    failure = failure_of(sys.stdout)
    if failure is not None and failure.errno != errno.EPIPE:
        _say(f"standard output did not take all of the text: {_reason(failure)}{_what_is_kept()}")
        code = code or FAILED
    return code


def _told(error: BaseException) -> int:
    """Say what ``error`` means; the exit code."""
    if type(error).__module__.partition(".")[0] == "click":
        return _told_by_click(error)
    if isinstance(error, SystemExit):
        return _code(error.code or DONE)
    if os.environ.get("PCSIM_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, PcsimError):
        _say(str(error))
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        _say(f"interrupted{_what_is_kept()}")
        return INTERRUPTED
    if (
        isinstance(error, BrokenPipeError)
        and error.filename is None
        and error is failure_of(sys.stdout)
    ):
        return DONE
    _say(f"{sentence(error)}{_what_is_kept()}")
    return FAILED


def _code(asked: object) -> int:
    """An exit code that somebody asked for, if it is one of ours."""
    return asked if isinstance(asked, int) and asked in CODES else FAILED


def _told_by_click(error: BaseException) -> int:
    """Usage errors come with click's own text."""
    import click

    if isinstance(error, click.exceptions.Exit):
        return _code(error.exit_code)
    if isinstance(error, click.ClickException):
        error.show()
        return WRONG_INPUT
    _say(f"interrupted{_what_is_kept()}")  # click.Abort
    return INTERRUPTED


def sentence(error: BaseException) -> str:
    """What an error that nobody expected means to the user, and what to do about it."""
    said = _first_line(error)
    if isinstance(error, MemoryError):
        return (
            f"this machine does not have enough memory for the command{f' ({said})' if said else ''}; a smaller "
            "batch, fewer seeds side by side or fewer processes (--jobs) take less"
        )
    if isinstance(error, ImportError) and (missing := _missing(error)):
        return (
            f"{missing} is needed and cannot be imported ({said}); "
            "install pcsim anew: pip install --force-reinstall pcsim"
        )
    if isinstance(error, OSError) and error.errno in MACHINE:
        if error.filename is not None:
            return f"{_shown(error.filename)} could not be read or written: {_reason(error)}"
        return f"a file could not be read or written: {_reason(error)}"
    kind = type(error).__name__
    what = f"{kind}: {said}" if said else kind
    head = f"a fault of pcsim ended the command ({what}, in {_place(error)}); please report this, with the command"
    kept = _details(error)
    if kept is None:
        return f"{head} and this place; PCSIM_DEBUG=1 shows more"
    return f"{head} and the file {_shown(kept)}, which holds the details"


def _missing(error: ImportError) -> str | None:
    """The library that cannot be imported, or None where what is missing is a part of pcsim."""
    name = (error.name or "").partition(".")[0]
    if name == "pcsim":
        return None
    if name:
        return name
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        parts = Path(frame.filename).parts
        if "site-packages" in parts:
            return parts[parts.index("site-packages") + 1]
    return None


def _details(error: BaseException) -> Path | None:
    """The file that tells all of ``error``, in the cache or the folder for temporary files; None where neither
    can be written. The same fault of the same command has the same file."""
    from pcsim.version import VERSION

    text = "".join(
        [
            f"command: {shlex.join(sys.argv)}\n",
            f"pcsim {VERSION}, Python {platform.python_version()}, {platform.platform()}\n\n",
            *traceback.format_exception(error),
        ]
    )
    content = text.encode("utf-8", "backslashreplace")
    name = f"pcsim-{hashlib.sha256(content).hexdigest()[:8]}.txt"
    for folder in _folders():
        try:
            _write_whole(folder / name, content)
        except OSError:
            continue
        return folder / name
    return None


def _folders() -> list[Path]:
    found = []
    with suppress(Exception):  # A library may be what is missing.
        from pcsim.cache import cache_folder

        found.append(cache_folder() / FOLDER)
    with suppress(OSError):
        found.append(Path(tempfile.gettempdir()))
    return found


def _write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _place(error: BaseException) -> str:
    """``pcsim/line.py:34``: the last line of pcsim, or else of anything, that ``error`` came through."""
    frames = traceback.extract_tb(error.__traceback__)
    package = Path(__file__).parent.parent
    for frame in reversed(frames):
        path = Path(frame.filename)
        if path.is_relative_to(package):
            return f"pcsim/{path.relative_to(package).as_posix()}:{frame.lineno}"
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"


LONGEST = 200
"""Of what an error says of itself, in letters."""


def _first_line(error: BaseException) -> str:
    try:
        lines = str(error).strip().splitlines()
    except Exception:
        return ""
    said = lines[0] if lines else ""
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}..."


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()


def _shown(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else str(path)


def _what_is_kept() -> str:
    return f"; {', '.join(_written)}" if _written else ""


def _say(text: str) -> None:
    """One message on standard error; where nobody can be told, nothing."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
    with suppress(OSError, ValueError, AttributeError):
        try:
            print(f"pcsim: {text}", file=sys.stderr, flush=True)
        except UnicodeError:  # Where somebody else has set up the stream.
            print(f"pcsim: {in_ascii(text)}", file=sys.stderr, flush=True)
