"""What do the IDX files of a folder say they hold? The format that MNIST and its likes come in.

A header is big-endian: two zero bytes, the type of numbers (8: unsigned bytes, the only one read),
the number of dimensions, then every dimension in 4 bytes. A file may be gzipped.
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
_BYTES = 0x800
_GZIP = b"\x1f\x8b"
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class IdxPart:
    """The files of one part, and what their headers say: ``count`` images of ``rows`` x ``columns``."""

    images: Path
    labels: Path
    count: int
    rows: int
    columns: int


def idx_parts(folder: Path) -> tuple[IdxPart, IdxPart]:
    """The parts of a folder for training and for testing, from headers alone.

    Raises:
        InputError: a file is missing or unreadable, a header is wrong, or headers disagree.
    """
    train_images, train_labels, test_images, test_labels = map(Path, _idx_files(folder))
    train = _part(train_images, train_labels)
    test = _part(test_images, test_labels)
    if (test.rows, test.columns) != (train.rows, train.columns):
        said = (
            f"the images must be {train.rows}x{train.columns}, as in {train_images.name}, "
            f"not {test.rows}x{test.columns} (bytes 8 to 15)"
        )
        raise unusable(test_images, said)
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
    count, rows, columns = _dimensions(images, number=3)
    (labelled,) = _dimensions(labels, number=1)
    if not rows or not columns:
        said = f"the images must have pixels, not be {rows}x{columns} (bytes 8 to 15)"
        raise unusable(images, said)
    if labelled != count:
        said = f"the labels must be {count}, one for each image of {images.name}, not {labelled}"
        raise unusable(labels, f"{said} (bytes 4 to 7)")
    return IdxPart(images, labels, count, rows, columns)


def _dimensions(path: Path, *, number: int) -> tuple[int, ...]:
    size = 4 + 4 * number
    header = unpacked(path, most=size)
    wanted = struct.pack(">I", _BYTES + number)
    if len(header) >= 4 and header[:4] != wanted:
        what = f"unsigned bytes in {number} dimension{'s' * (number > 1)}"
        said = f"the file must begin with 0x{wanted.hex()} ({what}), not 0x{header[:4].hex()}"
        raise unusable(path, f"{said}, at byte 0")
    if len(header) < size:
        said = f"the file must have a header of {size} bytes, not end at byte {len(header)}"
        raise unusable(path, said)
    return struct.unpack_from(f">{number}I", header, 4)
