"""Where does pcsim keep what it has computed: compiled kernels, parsed data sets, finished trainings?

One folder holds all three: the environment variable PCSIM_CACHE names it, else it is the platform's
folder for user caches. Nothing in it is precious; a folder that cannot be written means only that
nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

ENGINE_FOLDER = Path(__file__).parent


def cache_folder() -> Path:
    """The folder, which need not exist yet."""
    if named := os.environ.get("PCSIM_CACHE"):
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pcsim"


def why_nothing_is_kept() -> str | None:
    """Why the cache folder cannot be written, in words; None when it can."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"the cache folder {folder} cannot be written: {error.strerror}"


@cache
def engine_fingerprint() -> str:
    """A hash of everything that decides the bits a training computes: our source and its number libraries.

    Not in it: the processor, whose BLAS kernels may round differently. Do not share one folder
    among machines of different kinds.
    """
    return _fingerprint(ENGINE_FOLDER, sorted(ENGINE_FOLDER.rglob("*.py")))


def _fingerprint(folder: Path, sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    for library in ("numpy", "numba", "scipy"):
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()


def kernel_folder(source: Path | None = None) -> Path:
    """Where numba keeps what is compiled of the engine, or of the files in the folder ``source``.

    The name carries a fingerprint because numba looks only at the file of the function it compiled and
    would go on using it after a change in a function that it calls. So compiled functions call only those
    of their own folder and of the engine.
    """
    fingerprint = engine_fingerprint()
    if source is not None and not source.is_relative_to(ENGINE_FOLDER):
        own = _fingerprint(source, sorted(source.glob("*.py")))
        fingerprint = hashlib.sha256(f"{fingerprint} {own}".encode()).hexdigest()
    return cache_folder() / f"numba-{fingerprint[:16]}"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old or the new content, never a part; OSErrors pass through."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
