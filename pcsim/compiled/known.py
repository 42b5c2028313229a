"""Was this compiled here before, from the same sources? Answered without importing numba.

An empty file for each kind of kernels says so. Kernels themselves are kept one by one, by what each is compiled from
(fingerprint.py): after a change of the sources fewer are compiled than this module expects.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pcsim.cache import cache_folder, source_fingerprint

FOLDER = "kernels"
"""Where in the cache folder all that is compiled lies."""


def known(kind: str, place: str) -> bool:
    """Whether kernels of this ``kind``, whose sources lie in ``place`` of the package, were compiled and kept."""
    return _mark(kind, place).exists()


def remember(kind: str, place: str) -> None:
    """Note that they are; where nothing can be kept, they are not."""
    path = _mark(kind, place)
    if not path.exists():
        with suppress(OSError, ValueError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def _mark(kind: str, place: str) -> Path:
    fingerprint = source_fingerprint("compiled", place)[:16]
    return cache_folder() / FOLDER / "known" / f"{kind}-{fingerprint}"
