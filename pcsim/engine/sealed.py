"""How do arrays lie on disk so that whatever happened to them is noticed? As an npz with a hash of its contents."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

SEAL = "sha256"

_DAMAGED = (
    OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, NotImplementedError, RuntimeError,
    OverflowError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What numpy raises on an archive that is none, or none any more."""


def sealed(arrays: Mapping[str, np.ndarray], *, subject: str, compressed: bool = False) -> bytes:
    """``arrays`` as the bytes of an npz; ``subject`` says what they are of."""
    buffer = io.BytesIO()
    save: Any = np.savez_compressed if compressed else np.savez
    save(buffer, **arrays, **{SEAL: np.array(_digest(arrays, subject))})
    return buffer.getvalue()


def unsealed(content: bytes, *, subject: str) -> dict[str, np.ndarray] | None:
    """The arrays; None where the bytes are damaged, or are of another subject."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        seal = str(arrays.pop(SEAL))
    except _DAMAGED:
        return None
    return arrays if seal == _digest(arrays, subject) else None


def _digest(arrays: Mapping[str, np.ndarray], subject: str) -> str:
    digest = hashlib.sha256(subject.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"\0{name} {array.dtype.str} {arrays[name].shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
