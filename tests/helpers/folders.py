"""What stands in a folder."""

from pathlib import Path


def contents(folder: Path, *, but: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Every file below ``folder`` by its path, those of the names ``but`` left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in but
    }
