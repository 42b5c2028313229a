"""Where does pcsim keep what it has computed: compiled kernels, parsed data sets, finished trainings?

One folder holds all three: the environment variable PCSIM_CACHE names it, else it is the platform's
folder for user caches. Nothing in it is precious; a folder that cannot be written means only that
nothing is kept, and a file that cannot be used is made again. The user hears of either once.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pcsim.notes import tell_once
from pcsim.writing import write_whole

PACKAGE = Path(__file__).parent
LIBRARIES = ("numpy", "numba", "scipy")
"""Whose versions decide the bits of results."""
TOPIC = "cache"
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def cache_folder() -> Path:
    """The folder, which need not exist yet. Where none can be named, what was asked for."""
    return _place()[0]


def _place() -> tuple[Path, str]:
    """The folder, and why there can be none, empty where there can."""
    named = os.environ.get("PCSIM_CACHE")
    if named:
        try:
            return Path(named).expanduser().absolute(), ""
        except (OSError, RuntimeError) as error:  # No such user; no working folder.
            return Path(named), _reason(error)
    try:
        base = _users_caches()
    except RuntimeError as error:
        return Path("pcsim"), _reason(error)
    return base / "pcsim", "" if base.is_absolute() else "its path must be absolute"


def _users_caches() -> Path:
    """Raises RuntimeError where the user has no home."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))  # To be ignored where it is relative.
    return named if named.is_absolute() else Path.home() / ".cache"


def why_nothing_is_kept() -> str | None:
    """Why the cache folder cannot be written, in words; None when it can."""
    folder, wrong = _place()
    if not wrong:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return None
        except (OSError, ValueError) as error:
            wrong = _reason(error)
    return f"the cache folder {folder} cannot be written: {wrong}"


def tell_if_nothing_is_kept() -> None:
    """Let the user hear why the cache folder cannot be written, where that is so."""
    if reason := why_nothing_is_kept():
        tell_once(TOPIC, f"{reason}; nothing is kept for later runs")


def keep(path: Path, content: bytes) -> bool:
    """Write a file of the cache folder whole; where that fails, keep nothing, and say so once."""
    folder, wrong = _place()
    if not wrong:
        try:
            write_whole(path, content, durable=False)  # Readers check what they read.
            return True
        except (OSError, ValueError) as error:
            wrong = _reason(error)
    tell_once(
        TOPIC, f"the cache folder {folder} cannot be written: {wrong}; nothing more is kept in it"
    )
    return False


def kept(path: Path) -> bytes | None:
    """The content of a file of the cache folder; None where there is none, or none to be read."""
    if _place()[1]:
        return None
    try:
        return path.read_bytes()
    except ValueError:
        return None
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        tell_unusable(path, f"cannot be read: {_reason(error)}")
        return None


def tell_unusable(path: Path, why: str = "is damaged") -> None:
    """Let the user hear that a file of the cache folder cannot be used, once for all such files."""
    tell_once(
        TOPIC,
        f"{path.name} in the cache folder {cache_folder()} {why}; "
        "what cannot be used there is computed again",
    )


def forget(path: Path) -> None:
    """Remove a file of the cache folder, if that is possible."""
    with contextlib.suppress(OSError, ValueError):
        path.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


@cache
def source_fingerprint(*places: str) -> str:
    """A hash of our code and tables in ``places``, files or folders of the package, and of the libraries that compute
    for it."""
    digest = hashlib.sha256()
    for place in places:
        path = PACKAGE / place
        inside = [*path.rglob("*.py"), *path.rglob("*.yaml")] if path.is_dir() else [path]
        for source in sorted(inside):
            digest.update(source.relative_to(PACKAGE).as_posix().encode())
            digest.update(source.read_bytes())
    digest.update(" ".join(library_versions()).encode())
    return digest.hexdigest()


@cache
def library_versions() -> tuple[str, ...]:
    """The libraries that compute for us, each with its version."""
    return tuple(f"{library} {version(library)}" for library in LIBRARIES)
