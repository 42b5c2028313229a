"""What images do the arrays of an .npz file hold?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pcsim.config.idx import unusable
from pcsim.config.npz import ZIP_ERRORS, NpzPart, npz_parts
from pcsim.engine.data.source import Images, Source, label_problem, wrong_label

_LARGEST = 1e6  # far beyond any pixel; its square is a number in every format


def read_npz(path: Path, *, classes: int) -> Source:
    """The images for training and those for testing, or for all purposes.

    Bytes are brightest at 255; floats are taken as they are.

    Raises:
        InputError: as ``npz_parts``; or an array is damaged, holds a pixel that is no number of a
            reasonable size, or a label that is not below ``classes``.
    """
    first, *others = (_images(path, part, classes) for part in npz_parts(path))
    return (first, others[0]) if others else (first,)


def _images(path: Path, part: NpzPart, classes: int) -> Images:
    labels = _array(path, part.labels)
    where = wrong_label(labels, classes)
    if where is not None:
        place = f"{part.labels}[{where}]"
        raise label_problem(path, int(labels[where]), classes=classes, place=place)
    pixels = _array(path, part.images)
    if pixels.dtype.kind == "f" and not (fine := np.abs(pixels) <= np.float64(_LARGEST)).all():
        index = np.unravel_index(np.argmin(fine), pixels.shape)
        place = f"{part.images}[{', '.join(map(str, index))}]"
        said = f"the pixels must be between -{_LARGEST:g} and {_LARGEST:g}"
        raise unusable(path, f"{said}, not {pixels[index]} at {place}")
    brightest = 1 if pixels.dtype.kind == "f" else 255
    return Images(pixels.reshape(part.count, -1), labels.astype(np.int64), brightest)


def _array(path: Path, name: str) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            array: np.ndarray = arrays[name]
            return array
    except (OSError, *ZIP_ERRORS):
        raise unusable(path, f"{name} must be undamaged, not unreadable as an array") from None
