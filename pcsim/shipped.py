"""Which files come along with the package: inside of it when it is installed, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

FOLDERS = {"hardware": "hw_configs", "workload": "workloads", "technology": "technology/tables"}


def shipped(kind: str) -> dict[str, Path]:
    """The files of a ``kind`` (hardware, workload or technology) that come along, by name."""
    package = Path(__file__).parent
    inside = package / FOLDERS[kind]
    folder = inside if inside.is_dir() else package.parent / FOLDERS[kind]
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
