"""Are these the same images as before? A dataset's identity is its content, wherever the files lie."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from pcsim.config import dataset_place
from pcsim.config.cifar import cifar_folder
from pcsim.config.idx import idx_parts, unreadable


def identity(dataset: str) -> str:
    """A text that two datasets share exactly when they have one name, or files of the same bytes.

    Raises:
        InputError: a file is missing or unreadable.
    """
    place = dataset_place(dataset)
    if place is None:
        return dataset
    if not place.is_dir():
        return f"npz {_sha256_now(place)}"
    if found := cifar_folder(place):
        return f"cifar {' '.join(map(_sha256_now, found.files))}"
    files = (path for part in idx_parts(place) for path in (part.images, part.labels))
    return f"idx {' '.join(map(_sha256_now, files))}"


def _sha256_now(path: Path) -> str:
    try:
        found = path.stat()
        return _sha256(path, found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise unreadable(path, error) from None


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _mtime_ns: int) -> str:
    """Computed again in this process only if the file has changed since."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
