"""What images do the binary files of CIFAR hold?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcsim.config.cifar import SHAPE, CifarFolder, Collection
from pcsim.config.idx import unpacked, unusable
from pcsim.engine.data.images import Images, Source
from pcsim.engine.data.values import labels_of


def read_cifar(found: CifarFolder, *, classes: int) -> Source:
    """The images for training and those for testing, red, green and blue.

    Raises:
        InputError: a file is unreadable or changes while it is read, or a label is not below ``classes``.
    """
    *train, test = (
        _images(path, found.kind, count, classes)
        for path, count in zip(found.files, (*found.train, found.test), strict=True)
    )
    together = Images(
        np.concatenate([part.pixels for part in train]),
        np.concatenate([part.labels for part in train]),
        255,
        SHAPE,
    )
    return together, test


def _images(path: Path, kind: Collection, count: int, classes: int) -> Images:
    size = count * kind.record_bytes
    content = unpacked(path, most=size + 1)
    if len(content) != size:
        raise unusable(path, f"the file must end at byte {size}, as its size said")
    records = np.frombuffer(content, np.uint8).reshape(count, kind.record_bytes)
    column = kind.label_bytes - 1

    def place(index: tuple[int, ...]) -> str:
        return f"byte {index[0] * kind.record_bytes + column}"

    written = records[:, column]
    labels = labels_of(written, path, name="labels", classes=classes, place=place)
    return Images(records[:, kind.label_bytes :], labels, 255, SHAPE)
