"""What images do the arrays of an .npz file hold?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from pcsim.config.idx import unusable
from pcsim.config.npz import ZIP_ERRORS, NpzPart, npz_parts
from pcsim.engine.data.images import Images, Source
from pcsim.engine.data.values import images_of, indexed, labels_of


def read_npz(path: Path, *, classes: int) -> Source:
    """The images for training and those for testing, or for all purposes.

    Raises:
        InputError: as ``npz_parts``; or an array is damaged, or holds what `values` refuses.
    """
    first, *others = (_images(path, part, classes) for part in npz_parts(path))
    return (first, others[0]) if others else (first,)


def _images(path: Path, part: NpzPart, classes: int) -> Images:
    labels = labels_of(
        _array(path, part.labels),
        path,
        name=part.labels,
        classes=classes,
        place=indexed(part.labels),
    )
    pixels = _array(path, part.images)
    images = images_of(pixels, path, name=part.images, place=indexed(part.images))
    return replace(images, labels=labels)


def _array(path: Path, name: str) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            array: np.ndarray = arrays[name]
            return array
    except (OSError, *ZIP_ERRORS):
        raise unusable(path, f"{name} must be undamaged, not unreadable as an array") from None
