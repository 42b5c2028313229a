"""What images do the IDX files of a folder hold?"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np

from pcsim.config.idx import IdxPart, idx_parts, unpacked, unusable
from pcsim.engine.data.images import Images, Source
from pcsim.engine.data.values import Place, images_of, labels_of


def read_idx(folder: Path, *, classes: int) -> Source:
    """The images for training and those for testing.

    Raises:
        InputError: as ``idx_parts``; or a file is damaged, ends before or after what its header
            says, or holds what `values` refuses.
    """
    train, test = idx_parts(folder)
    return _images(train, classes), _images(test, classes)


def _images(part: IdxPart, classes: int) -> Images:
    columns = () if part.classes is None else (part.classes,)
    written, place = _body(
        part.labels, part.label_type, (part.count, *columns), f"{part.count} labels"
    )
    labels = labels_of(written, part.labels, name="labels", classes=classes, place=place)
    what = f"{part.count} images of {part.shown_shape}"
    pixels, place = _body(part.images, part.image_type, (part.count, *part.shape), what)
    return replace(images_of(pixels, part.images, name="images", place=place), labels=labels)


def _body(
    path: Path, number_type: str, shape: tuple[int, ...], what: str
) -> tuple[np.ndarray, Place]:
    """The numbers after the header, which are ``what``, as a view of the file's content, and their places."""
    width = np.dtype(number_type).itemsize
    content = unpacked(path, most=4 + 4 * 255 + width * prod(shape) + 1)
    begin = 4 + 4 * content[3]
    end = begin + width * prod(shape)
    if len(content) != end:
        found = f"at byte {len(content)}" if len(content) < end else "later"
        said = f"the file must end at byte {end}, after the {what} of its header, "
        raise unusable(path, f"{said}not {found}")
    numbers = np.frombuffer(content, number_type, offset=begin).reshape(shape)
    strides = numbers.strides

    def place(index: tuple[int, ...]) -> str:
        return f"byte {begin + sum(at * step for at, step in zip(index, strides, strict=False))}"

    return numbers, place
