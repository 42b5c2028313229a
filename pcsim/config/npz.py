"""What do the arrays of an .npz file say they hold? Read from their headers, without numpy.

The file is a zip archive of .npy files, each a short header and the bare numbers. Images are numbers of any
type and of any shape after the first dimension; labels are numbers of classes, as a list or a column, or one-hot.
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
_NUMBERS = re.compile(r"\|[biu]1|[<>](?:[iu][248]|f[248])")
_LINE = "a line of numpy that converts: "
_WORDS = {
    "O": "stack({name}.tolist())",
    "U": "unique({name}, return_inverse=True)[1]",
    "S": "unique({name}, return_inverse=True)[1]",
    "c": "abs({name})",
}
"""Kind of another type -> what makes numbers of it, in numpy."""


@dataclass(frozen=True)
class NpzPart:
    """The names of two arrays, and what their headers say: ``count`` images of ``shape``.

    ``classes`` is how many there are where labels are one-hot, and None where they are numbers.
    """

    images: str
    labels: str
    count: int
    shape: tuple[int, ...]
    classes: int | None


def in_numpy(line: str) -> str:
    """The hint that ``line`` of numpy makes of an array what can be read."""
    return f"{_LINE}{line}"


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
        raise unusable(path, said, hint=in_numpy("np.savez(path, images=images, labels=labels)"))
    parts = tuple(_part(path, archive, *pair) for pair in pairs)
    for part in parts[1:]:
        if part.shape != parts[0].shape:
            said = (
                f"{part.images} must hold images of shape {parts[0].shape}, as {parts[0].images} "
                f"does, not {part.shape}"
            )
            raise unusable(path, said)
        if part.classes != parts[0].classes:
            said = (
                f"{part.labels} and {parts[0].labels} must both be class numbers, or one-hot alike"
            )
            line = f"{part.labels} = {part.labels}.argmax(axis=1)"
            raise unusable(path, said, hint=in_numpy(f"{line}, and the same for the others"))
    return parts


def _part(path: Path, archive: zipfile.ZipFile, images: str, labels: str) -> NpzPart:
    shape = _shape(path, archive, images)
    labels_shape = _shape(path, archive, labels)
    if len(shape) < 2 or not math.prod(shape[1:]):
        said = f"{images} must have the shape (images, pixels) or (images, rows, columns)"
        hint = in_numpy(f"{images} = {images}.reshape(len({labels}), -1)") if shape else ""
        raise unusable(path, f"{said}, not {shape}", hint=hint)
    count = shape[0]
    if labels_shape[:1] != (count,) or len(labels_shape) > 2 or 0 in labels_shape[1:]:
        said = f"{labels} must have the shape ({count},), a label for each of {images}"
        also = f"({count}, 1) or, one-hot, ({count}, classes)"
        fits = count and math.prod(labels_shape) == count
        hint = in_numpy(f"{labels} = {labels}.reshape(-1)") if fits else ""
        raise unusable(path, f"{said}, or {also}, not {labels_shape}", hint=hint)
    classes = labels_shape[1] if labels_shape[1:] not in ((), (1,)) else None
    return NpzPart(images, labels, count, shape[1:], classes)


def _shape(path: Path, archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    """The shape of an array, which must be one of numbers."""
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as file:
        header = _header(file)
        begin = file.tell()
    if header is None:
        raise unusable(path, f"{name} must begin with the header of a .npy file, at its byte 0")
    kind, shape = header
    if not isinstance(kind, str) or not _NUMBERS.fullmatch(kind):
        found = "pickled objects, which are never read" if kind == "|O" else repr(kind)
        said = "truth values, whole numbers or floats (b1, u1 to u8, i1 to i8, f2 to f8)"
        words = (
            _WORDS.get(kind[1:2], "asarray({name}, np.float64)") if isinstance(kind, str) else ""
        )
        hint = in_numpy(f"{name} = np.{words.format(name=name)}") if words else ""
        raise unusable(path, f"{name} must hold {said}, not {found}", hint=hint)
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
