"""What images do the IDX files of a folder hold?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcsim.config.idx import IdxPart, idx_parts, unpacked, unusable
from pcsim.engine.data.source import Images, Source, label_problem, wrong_label

_IMAGES_BEGIN, _LABELS_BEGIN = 16, 8


def read_idx(folder: Path, *, classes: int) -> Source:
    """The images for training and those for testing.

    Raises:
        InputError: as ``idx_parts``; or a file is damaged, ends before or after what its header
            says, or holds a label that is not below ``classes``.
    """
    train, test = idx_parts(folder)
    return _images(train, classes), _images(test, classes)


def _images(part: IdxPart, classes: int) -> Images:
    labels = _body(part.labels, _LABELS_BEGIN, part.count, f"{part.count} labels")
    where = wrong_label(labels, classes)
    if where is not None:
        place = f"byte {_LABELS_BEGIN + where}"
        raise label_problem(part.labels, int(labels[where]), classes=classes, place=place)
    width = part.rows * part.columns
    what = f"{part.count} images of {part.rows}x{part.columns}"
    pixels = _body(part.images, _IMAGES_BEGIN, part.count * width, what)
    return Images(pixels.reshape(part.count, width), labels.astype(np.int64), 255)


def _body(path: Path, begin: int, size: int, what: str) -> np.ndarray:
    """The ``size`` bytes after the header, which are ``what``, as a view of the file's content."""
    content = unpacked(path, most=begin + size + 1)
    if len(content) != begin + size:
        found = f"at byte {len(content)}" if len(content) < begin + size else "later"
        said = f"the file must end at byte {begin + size}, after the {what} of its header, "
        raise unusable(path, f"{said}not {found}")
    return np.frombuffer(content, np.uint8, offset=begin)
