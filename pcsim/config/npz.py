"""What do the arrays of an .npz file say they hold? Read from their headers, without numpy.

The file is a zip archive of .npy files, each a short header and the bare numbers. Images are bytes
(0 to 255) or floats, of any shape after the first dimension; labels are whole numbers.
"""

from __future__ import annotations

import ast
import math
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pcsim.config.idx import check_regular, unreadable, unusable

SPLIT_KEYS = (("x_train", "y_train"), ("x_test", "y_test"))
POOL_KEYS = ("images", "labels")
ZIP_ERRORS = (zipfile.BadZipFile, EOFError, ValueError, RuntimeError, zlib.error)
"""What zipfile raises for archives that are damaged, encrypted or packed in ways it does not know."""

_LARGEST_HEADER = 10_000
_IMAGES = (re.compile(r"\|u1|[<>]f[248]"), "unsigned bytes or floats (u1, f2, f4 or f8)")
_LABELS = (re.compile(r"\|[ui]1|[<>][ui][248]"), "whole numbers (u1 to u8 or i1 to i8)")


@dataclass(frozen=True)
class NpzPart:
    """The names of two arrays, and what their headers say: ``count`` images of ``shape``."""

    images: str
    labels: str
    count: int
    shape: tuple[int, ...]


def npz_parts(path: Path) -> tuple[NpzPart, ...]:
    """The parts for training and for testing, or the only one where the file is not split.

    The file is split if it has any of x_train, y_train, x_test and y_test; arrays of other names
    do not matter.

    Raises:
        InputError: the file is no such archive, arrays are missing, wrong, or disagree.
    """
    try:
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            return _parts(path, archive)
    except OSError as error:
        raise unreadable(path, error) from None
    except ZIP_ERRORS:
        hint = "IDX files are named by their folder"
        raise unusable(path, "the file must be an undamaged .npz archive", hint=hint) from None


def _parts(path: Path, archive: zipfile.ZipFile) -> tuple[NpzPart, ...]:
    here = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    split = any(key in here for pair in SPLIT_KEYS for key in pair)
    pairs = SPLIT_KEYS if split else (POOL_KEYS,)
    if not all(key in here for pair in pairs for key in pair):
        names = f"{', '.join(map(', '.join, SPLIT_KEYS))}, or else {', '.join(POOL_KEYS)}"
        said = f"the file must hold the arrays {names}, not {', '.join(here) or 'none'}"
        raise unusable(path, said)
    parts = tuple(_part(path, archive, *pair) for pair in pairs)
    for part in parts[1:]:
        if part.shape != parts[0].shape:
            said = (
                f"{part.images} must hold images of shape {parts[0].shape}, as {parts[0].images} "
                f"does, not {part.shape}"
            )
            raise unusable(path, said)
    return parts


def _part(path: Path, archive: zipfile.ZipFile, images: str, labels: str) -> NpzPart:
    shape = _shape(path, archive, images, _IMAGES)
    labels_shape = _shape(path, archive, labels, _LABELS)
    if len(shape) < 2 or not math.prod(shape[1:]):
        said = f"{images} must have the shape (images, pixels) or (images, rows, columns)"
        raise unusable(path, f"{said}, not {shape}")
    if labels_shape != shape[:1]:
        said = f"{labels} must have the shape {shape[:1]}, a label for each of {images}"
        raise unusable(path, f"{said}, not {labels_shape}")
    return NpzPart(images, labels, shape[0], shape[1:])


def _shape(
    path: Path, archive: zipfile.ZipFile, name: str, numbers: tuple[re.Pattern[str], str]
) -> tuple[int, ...]:
    """The shape of an array whose type must be one of ``numbers``: a pattern, and it in words."""
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as file:
        header = _header(file)
        begin = file.tell()
    if header is None:
        raise unusable(path, f"{name} must begin with the header of a .npy file, at its byte 0")
    kind, shape = header
    pattern, words = numbers
    if not isinstance(kind, str) or not pattern.fullmatch(kind):
        found = "pickled objects, which are never read" if kind == "|O" else repr(kind)
        raise unusable(path, f"{name} must hold {words}, not {found}")
    end = begin + math.prod(shape) * int(kind[2:])
    if info.file_size != end:
        said = f"{name} must end at its byte {end}, as its shape {shape} and type {kind} need"
        raise unusable(path, f"{said}, not at byte {info.file_size}")
    return shape


def _header(file: IO[bytes]) -> tuple[object, tuple[int, ...]] | None:
    """Type and shape from the head of a .npy file; None where there is none."""
    start = file.read(8)
    wide = start[6:7] in (b"\x02", b"\x03")
    length = file.read(4 if wide else 2)
    if not start.startswith(b"\x93NUMPY") or len(length) != (4 if wide else 2):
        return None
    (size,) = struct.unpack("<I" if wide else "<H", length)
    if size > _LARGEST_HEADER:
        return None
    try:
        fields = ast.literal_eval(file.read(size).decode("utf-8" if wide else "latin-1").strip())
        kind, shape = fields["descr"], fields["shape"]
    except (SyntaxError, ValueError, TypeError, KeyError, MemoryError, RecursionError):
        return None
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        return None
    return kind, shape
