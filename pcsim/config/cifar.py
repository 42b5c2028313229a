"""What do the binary files of CIFAR-10 and CIFAR-100 hold? Known from their names and sizes alone.

A file is a row of records: the label in a byte (CIFAR-100: a coarse and a fine one), then 3,072 bytes, the 32x32
image in red, green and blue, each row by row. Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny
Images, 2009, and the page that publishes the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pcsim.config.idx import check_regular, unreadable, unusable

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Collection:
    """One of the two collections: its files for training and for testing, and the bytes of a label, the last of which
    counts. ``md5`` is published of the archive that the files come in."""

    name: str
    train: tuple[str, ...]
    test: str
    label_bytes: int
    classes: int
    archive: str
    md5: str

    @property
    def record_bytes(self) -> int:
        return self.label_bytes + PIXELS


KINDS = (
    Collection(
        "CIFAR-10",
        tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
        "test_batch.bin",
        1,
        10,
        "cifar-10-binary.tar.gz",
        "c32a1d4ab5d03f1284b67883e8d87530",
    ),
    Collection(
        "CIFAR-100",
        ("train.bin",),
        "test.bin",
        2,
        100,
        "cifar-100-binary.tar.gz",
        "03b5dce01913d631647c71ecec9e9cb8",
    ),
)


@dataclass(frozen=True)
class CifarFolder:
    """A folder of one of the collections, with the records that each of its files holds."""

    kind: Collection
    folder: Path
    train: tuple[int, ...]
    test: int

    @property
    def files(self) -> tuple[Path, ...]:
        """Those for training, then the one for testing."""
        return tuple(self.folder / name for name in (*self.kind.train, self.kind.test))


def cifar_folder(folder: Path) -> CifarFolder | None:
    """What a folder holds, or None where no file of these collections lies there.

    Raises:
        InputError: some of the files are missing, or one is not a row of whole records.
    """
    for kind in KINDS:
        names = (*kind.train, kind.test)
        if not any((folder / name).exists() for name in names):
            continue
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            hint = f"the archive {kind.archive} (MD5 {kind.md5}) has all of them"
            said = f"the folder must hold {', '.join(names)}, and lacks {', '.join(missing)}"
            raise unusable(folder, said, hint=hint)
        *train, test = (_records(folder / name, kind) for name in names)
        return CifarFolder(kind, folder, tuple(train), test)
    return None


def _records(path: Path, kind: Collection) -> int:
    try:
        check_regular(path)
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from None
    count, rest = divmod(size, kind.record_bytes)
    if rest or not count:
        said = (
            f"the file must be a row of records of {kind.record_bytes} bytes, not {size} bytes long"
        )
        hint = f"the archive {kind.archive} has the MD5 {kind.md5}"
        raise unusable(path, said, hint=hint)
    return count
