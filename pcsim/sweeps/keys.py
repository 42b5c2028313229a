"""Is this the same point as one that was computed before? A hash of all that its result depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import pcsim
from pcsim.config import Hardware, Workload, to_plain

ROOMS = ("config", "engine", "program", "placement", "machine", "technology", "verdict")
"""The rooms whose source decides a result; with them the line through them and what they share."""

SHARED = (
    "errors.py",
    "formats.py",
    "line.py",
    "schedules.py",
    "shipped.py",
    "units.py",
    "sweeps/evaluate.py",
)


@cache
def source_fingerprint() -> str:
    """A hash of every source file and cost table that decides a result."""
    package = Path(pcsim.__file__).parent
    files = [package / name for name in SHARED]
    for room in ROOMS:
        files += [*(package / room).rglob("*.py"), *(package / room).rglob("*.yaml")]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def point_key(
    hardware: Hardware,
    workload: Workload,
    learning: Sequence[str],
    *,
    rule: str,
    seed: int,
    timing_only: bool,
) -> str:
    """The key of a point's result: 64 hexadecimal digits.

    ``learning`` are the keys of its trainings, which cover the images and the number libraries.
    """
    everything = {
        "hardware": to_plain(hardware),
        "workload": to_plain(workload),
        "learning": list(learning),
        "rule": rule,
        "seed": None if timing_only else seed,
        "timing_only": timing_only,
        "source": source_fingerprint(),
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def sweep_digest(paths: Sequence[str], keys: Iterable[str]) -> str:
    """Eight digits for a whole sweep: its axes and its points in order."""
    digest = hashlib.sha256("\n".join(paths).encode())
    for key in keys:
        digest.update(key.encode())
    return digest.hexdigest()[:8]
