"""Where does a sweep keep what it has computed? One file per point, found by what the point depends on.

A file appears whole or not at all, says which point it is of and carries a hash of what it holds, so
that whatever happened to it is noticed when it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pcsim.errors import InputError, OutputError, Problem
from pcsim.report.replace import HINT, check_parent
from pcsim.sweeps.evaluate import Row
from pcsim.writing import write_whole

SCHEMA = "pcsim/point/1"
_POINT = re.compile(r"\..*|[0-9a-f]{16,64}\.json")
POINTS = "points"
CLAIMS = "claims.lock"
PLAN = "plan.json"
ENTRIES = frozenset(
    {
        POINTS,
        CLAIMS,
        PLAN,
        "figures",
        "report.html",
        "sweep.csv",
        "front.csv",
        "effects.csv",
        "best.csv",
        "heat.csv",
        "search.csv",
        "study.db",
    }
)
"""Everything that the folder of a sweep or a search can hold."""


class Store:
    """The folder of a sweep. Reads and writes results; ``damaged`` names the files found broken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: list[Path] = []

    def path(self, key: str) -> Path:
        """Where the result of a point lies."""
        return self.folder / POINTS / f"{key}.json"

    def load(self, key: str) -> list[Row] | None:
        """The rows of a point, None where there are none yet or the file is damaged."""
        path = self.path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            content = b""
        try:
            stored = json.loads(content)
            rows = stored["rows"]
            right = (stored["schema"], stored["key"], stored["sha256"]) == (
                SCHEMA,
                key,
                _digest(key, rows),
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            right = False
        if not right:
            if path not in self.damaged:
                self.damaged.append(path)
            return None
        assert isinstance(rows, list)
        return rows

    def save(self, key: str, rows: Sequence[Row]) -> None:
        """Keep the rows of a point.

        Raises:
            OutputError: the disk is full or fails otherwise.
        """
        stored = {"schema": SCHEMA, "key": key, "sha256": _digest(key, rows), "rows": list(rows)}
        # Not durable: after a power failure the hash tells, and the point is computed again.
        self.write(f"{POINTS}/{key}.json", _text(stored) + "\n", durable=False)

    def write(self, name: str, text: str, *, durable: bool = True) -> None:
        """Write a file of the folder whole.

        Raises:
            OutputError: the disk is full or fails otherwise.
        """
        path = self.folder / name
        try:
            write_whole(path, text.encode(), durable=durable)
        except OSError as error:
            raise OutputError(
                f"{path} could not be written: {error.strerror or error}; what was written before "
                "is kept, and the same command goes on from there"
            ) from None


def open_store(folder: Path) -> Store:
    """The store in ``folder``, which is made if it is not there.

    Raises:
        InputError: it is a file, holds anything but a sweep, or cannot be made.
    """
    check_parent(folder)
    try:
        message = _what_is_wrong(folder) if os.path.isdir(folder) else ""
    except OSError as error:
        message = f"{folder} must be a folder that can be read ({error.strerror})"
    if message:
        raise InputError((Problem(message, hint=HINT),))
    try:
        (folder / POINTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} could not be made: {error.strerror or error}") from None
    return Store(folder)


def _what_is_wrong(folder: Path) -> str:
    """Why results must not go to a folder that is there; empty where they may."""
    entries = sorted(entry for entry in os.listdir(folder) if not entry.startswith("."))
    points = sorted(os.listdir(folder / POINTS)) if os.path.isdir(folder / POINTS) else []
    foreign = [name for name in entries if name not in ENTRIES]
    foreign += [f"{POINTS}/{name}" for name in points if not _POINT.fullmatch(name)]
    if foreign:
        return f"{folder} must hold nothing but an earlier sweep, not {foreign[0]!r}"
    if entries and POINTS not in entries:
        return f"{folder} must hold nothing but an earlier sweep, but {entries[0]!r} is of none"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} must be a folder that can be written to"
    return ""


def _digest(key: str, rows: Any) -> str:
    return hashlib.sha256(f"{key}{_text(rows)}".encode()).hexdigest()


def _text(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
