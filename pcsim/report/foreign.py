"""What in a folder did pcsim not write? Nothing else is ever replaced."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pcsim.report.claim import is_workplace


def foreign_entries(
    folder: Path, *, known: Collection[str], files: Collection[str] = ()
) -> Iterator[str]:
    """What is in ``folder`` and cannot be of an earlier report, by path in the folder, in order.

    ``known`` are the names that a report can have there, ``files`` the paths of files that are known to be
    pcsim's. In a folder of figures a drawing belongs to a report if its numbers lie beside it.
    """
    for path in sorted(folder.iterdir()):
        if path.name in files and _is_file(path):
            continue
        if path.name not in known:
            if not is_workplace(path):
                yield path.name
        elif path.is_symlink():
            yield path.name
        elif path.is_dir():
            yield from _foreign_figures(path, files)
        elif not path.is_file() or not path.suffix:
            yield path.name


def _foreign_figures(folder: Path, files: Collection[str]) -> Iterator[str]:
    """A file such as summary.json is never a folder, so that all in such a folder is foreign."""
    names = {path.name for path in folder.iterdir()}
    for path in sorted(folder.iterdir()):
        inside = f"{folder.name}/{path.name}"
        drawn = {f"{path.stem}.svg", f"{path.stem}.csv"} <= names
        ours = not folder.suffix and drawn and path.suffix in (".svg", ".csv", ".png")
        if not _is_file(path) or not (ours or inside in files):
            yield inside


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def proven(folder: Path, marks: Mapping[str, bytes]) -> bool:
    """Whether one of the files in ``marks`` holds the bytes there, which only pcsim writes."""
    for name, mark in marks.items():
        try:
            if mark in (folder / name).read_bytes():
                return True
        except OSError:
            continue
    return False


def entries_of(folder: Path) -> list[str]:
    """All names in ``folder`` but working folders, in order."""
    return sorted(entry for entry in os.listdir(folder) if not is_workplace(folder / entry))
