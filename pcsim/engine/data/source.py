"""What are a dataset's images and labels? Read whole, wherever they lie; nothing is split or scaled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pcsim.config import dataset_place


@dataclass(frozen=True)
class Images:
    """``pixels`` (images, width), whole numbers of at most ``brightest`` or floats for which it is 1.

    ``labels`` (images,) are numbers of classes. ``shape`` is that of an image before it was flattened, empty where
    that is not known.
    """

    pixels: np.ndarray
    labels: np.ndarray
    brightest: int
    shape: tuple[int, ...] = ()

    def as_input(self, shape: tuple[int, ...]) -> Images:
        """The same where ``shape`` is (channels, rows, columns) and pixels lie as (rows, columns, channels): moved to
        that order."""
        if len(shape) != 3 or self.shape == shape or self.shape != (*shape[1:], shape[0]):
            return self
        rows, columns, channels = self.shape
        apart = self.pixels.reshape(-1, rows, columns, channels).transpose(0, 3, 1, 2)
        return replace(self, pixels=apart.reshape(len(self.pixels), -1), shape=shape)


Source = tuple[Images] | tuple[Images, Images]
"""The images for all purposes, or those for training and validation and those for testing."""


def read_source(dataset: str, *, classes: int) -> Source:
    """The images of ``data.dataset``; every label is below ``classes``.

    Raises:
        InputError: a file is missing, unreadable, damaged or holds what cannot be learnt from.
    """
    from pcsim.config.cifar import cifar_folder
    from pcsim.engine.data.bundled import read_bundled
    from pcsim.engine.data.cifar import read_cifar
    from pcsim.engine.data.idx import read_idx
    from pcsim.engine.data.npz import read_npz

    place = dataset_place(dataset)
    if place is None:
        return (read_bundled(dataset),)
    if place.is_dir() and (found := cifar_folder(place)):
        return read_cifar(found, classes=classes)
    return read_idx(place, classes=classes) if place.is_dir() else read_npz(place, classes=classes)
