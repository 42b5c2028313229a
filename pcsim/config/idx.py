"""What do the IDX files of a folder say they hold? The format that MNIST and its likes come in.

A header is big-endian: two zero bytes, the type of numbers (8: unsigned bytes, as in all published files), the
number of dimensions, then every dimension in 4 bytes. So are the numbers that follow. A file may be gzipped.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from pcsim.config.fields import any_of
from pcsim.errors import InputError, Problem

IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Code of a type -> what numpy calls it."""
_TYPES = (
    "08 unsigned bytes, 09 bytes, 0b, 0c whole numbers of 2, 4 bytes, 0d, 0e floats of 4, 8 bytes"
)
_IMAGE_DIMENSIONS, _LABEL_DIMENSIONS = (3, 2, 4), (1, 2)
"""How many there may be, the usual number first."""
_GZIP = b"\x1f\x8b"
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class IdxPart:
    """The files of one part, and what their headers say: ``count`` images of ``shape``.

    ``image_type`` and ``label_type`` are numpy's names of their numbers. ``classes`` is how many there are where
    labels are one-hot, and None where they are numbers.
    """

    images: Path
    labels: Path
    count: int
    shape: tuple[int, ...]
    classes: int | None
    image_type: str
    label_type: str

    @property
    def shown_shape(self) -> str:
        """Such as 28x28."""
        return "x".join(map(str, self.shape))


@dataclass(frozen=True)
class IdxHeader:
    """numpy's name of the numbers of one file, its dimensions."""

    number_type: str
    dimensions: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of the header."""
        return 4 + 4 * len(self.dimensions)


def idx_parts(folder: Path) -> tuple[IdxPart, IdxPart]:
    """The parts of a folder for training and for testing, from headers alone.

    Raises:
        InputError: a file is missing or unreadable, a header is wrong, or headers disagree.
    """
    train_images, train_labels, test_images, test_labels = map(Path, _idx_files(folder))
    train = _part(train_images, train_labels)
    test = _part(test_images, test_labels)
    if test.shape != train.shape:
        said = f"the images must be {train.shown_shape}, as in {train_images.name}"
        at = f"(bytes 8 to {7 + 4 * len(test.shape)})"
        raise unusable(test_images, f"{said}, not {test.shown_shape} {at}")
    if test.classes != train.classes:
        said = f"the labels must be class numbers or one-hot, as in {train_labels.name}"
        raise unusable(test_labels, said)
    return train, test


def check_regular(path: Path) -> None:
    """Refuse pipes and devices, which may never end or never begin.

    Raises:
        InputError: there is something at ``path`` that is neither a file nor a folder.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise unusable(path, "the file must be a regular file")


def unpacked(path: Path, *, most: int) -> bytearray:
    """The first ``most`` bytes of a file, fewer where it ends before; of its content if it is gzip.

    Raises:
        InputError: the file cannot be read or is damaged gzip.
    """
    content = bytearray()
    try:
        check_regular(path)
        with path.open("rb") as raw:
            packed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            # Piece by piece: a wrong header may ask for more than there is memory.
            while piece := file.read1(min(_PIECE_BYTES, most - len(content))):
                content += piece
    except (gzip.BadGzipFile, EOFError, zlib.error):
        said = f"the file must be undamaged gzip, not unreadable after unpacked byte {len(content)}"
        raise unusable(path, said) from None
    except OSError as error:
        raise unreadable(path, error) from None
    return content


def unusable(path: Path, said: str, *, hint: str = "") -> InputError:
    """The error that something is wrong with a data file."""
    return InputError((Problem(said, str(path), hint=hint),))


def unreadable(path: Path, error: OSError) -> InputError:
    """The error that the system does not let us read a data file."""
    return unusable(path, f"the file must be readable ({(error.strerror or 'damaged').lower()})")


def _idx_files(folder: Path) -> list[Path]:
    """The four files, as they are or, where only that exists, with .gz at their names' ends."""
    files = []
    for name in IDX_NAMES:
        names = (name, f"{name}.gz")
        found = [folder / each for each in names if (folder / each).is_file()]
        if not found:
            hint = f"an IDX folder holds {', '.join(IDX_NAMES)}, each plain or gzipped (.gz)"
            raise unusable(folder, f"the folder must hold {any_of(names)}", hint=hint)
        files.append(found[0])
    return files


def _part(images: Path, labels: Path) -> IdxPart:
    pictures = idx_header(images, _IMAGE_DIMENSIONS)
    labelled = idx_header(labels, _LABEL_DIMENSIONS)
    count, *shape = pictures.dimensions
    many, *columns = labelled.dimensions
    classes = columns[0] if columns and columns[0] != 1 else None
    part = IdxPart(
        images, labels, count, tuple(shape), classes, pictures.number_type, labelled.number_type
    )
    if 0 in shape:
        said = f"the images must have pixels, not be {part.shown_shape}"
        raise unusable(images, f"{said} (bytes 8 to {pictures.size - 1})")
    if many != count or classes == 0:
        said = f"the labels must be {count}, one for each image of {images.name}, not {many}"
        raise unusable(labels, f"{said} (bytes 4 to 7)")
    return part


def idx_header(path: Path, allowed: tuple[int, ...]) -> IdxHeader:
    """What the file says it holds, in one of the ``allowed`` numbers of dimensions.

    Raises:
        InputError: the file cannot be read, or does not begin with such a header.
    """
    start = unpacked(path, most=4)
    code, number = (start[2], start[3]) if len(start) == 4 else (0x08, allowed[0])
    if len(start) == 4 and (
        start[:2] != bytes(2) or code not in IDX_TYPES or number not in allowed
    ):
        what = f"0x0000, a type ({_TYPES}) and {any_of(map(str, sorted(allowed)))} dimensions"
        said = f"the file must begin with {what}, not 0x{start.hex()}, at byte 0"
        raise unusable(path, said)
    size = 4 + 4 * number
    header = unpacked(path, most=size)
    if len(header) < size:
        said = f"the file must have a header of {size} bytes, not end at byte {len(header)}"
        raise unusable(path, said)
    return IdxHeader(IDX_TYPES[code], struct.unpack_from(f">{number}I", header, 4))
