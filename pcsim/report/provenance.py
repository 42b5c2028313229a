"""When, where and with which versions was this made? The one place for what differs between equal
runs."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = (
    "pcsim",
    "numpy",
    "numba",
    "scipy",
    "threadpoolctl",
    "simpy",
    "PyYAML",
    "pydantic",
    "matplotlib",
    "jinja2",
    "rich",
    "mlxtend",
    "scikit-learn",
)
"""What results or figures can depend on."""

SCHEMA = "pcsim/provenance/1"


def provenance_of(
    command: Sequence[str], *, started: datetime, wall_s: Mapping[str, float]
) -> dict[str, Any]:
    """The record of one run: ``command`` as typed, when it ``started``, seconds of wall time by
    stage."""
    return {
        "schema": SCHEMA,
        "command": list(command),
        "started": started.isoformat(timespec="seconds"),
        "wall_s": dict(wall_s),
        "python": sys.version.split()[0],
        "versions": versions(),
        "host": {
            "name": platform.node(),
            "system": platform.platform(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
        },
    }


def versions() -> dict[str, str | None]:
    """The installed version of every package in ``PACKAGES``, None where it is not installed."""
    return {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str | None:
    """The installed version, None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
