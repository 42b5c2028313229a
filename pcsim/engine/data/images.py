"""What are images and labels, once they are read?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


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
