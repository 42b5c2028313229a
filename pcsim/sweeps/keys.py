"""Is this the same point as one that was computed before? A hash of all that its result depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from pcsim.cache import source_fingerprint
from pcsim.config import Hardware, Workload, to_plain

SOURCES = (
    "compiled", "network", "config", "engine", "program", "placement", "machine", "technology", "verdict",
    "errors.py", "formats.py", "line.py", "schedules.py", "shipped.py", "units.py", "sweeps/evaluate.py",
)  # fmt: skip
"""What decides a result: the rooms, the line through them, and what they share."""


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
        "source": source_fingerprint(*SOURCES),
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def sweep_digest(paths: Sequence[str], keys: Iterable[str]) -> str:
    """Eight digits for a whole sweep: its axes and its points in order."""
    digest = hashlib.sha256("\n".join(paths).encode())
    for key in keys:
        digest.update(key.encode())
    return digest.hexdigest()[:8]
