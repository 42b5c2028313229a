"""What are a dataset's images and labels? Read whole, wherever they lie; nothing is split or scaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pcsim.config import dataset_place


@dataclass(frozen=True)
class Images:
    """``pixels`` (images, width), whole numbers of at most ``brightest`` or floats for which it is 1.

    ``labels`` (images,) are numbers of classes.
    """

    pixels: np.ndarray
    labels: np.ndarray
    brightest: int


Source = tuple[Images] | tuple[Images, Images]
"""The images for all purposes, or those for training and validation and those for testing."""


def read_source(dataset: str, *, classes: int) -> Source:
    """The images of ``data.dataset``; every label is below ``classes``.

    Raises:
        InputError: a file is missing, unreadable, damaged or holds what cannot be learnt from.
    """
    from pcsim.engine.data.bundled import read_bundled
    from pcsim.engine.data.idx import read_idx
    from pcsim.engine.data.npz import read_npz

    place = dataset_place(dataset)
    if place is None:
        return (read_bundled(dataset),)
    return read_idx(place, classes=classes) if place.is_dir() else read_npz(place, classes=classes)
