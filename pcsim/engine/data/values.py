"""What do the numbers of images and labels mean? The same for every kind of file.

Truth values are dark and bright, 0 and 1. Unsigned numbers of 16 bits are brightest at 65,535, all other whole
numbers at 255, and must keep to it; floats are taken as they are. Labels are numbers of classes or one-hot rows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from pcsim.config.idx import unusable
from pcsim.config.npz import in_numpy
from pcsim.engine.data.images import Images

_LARGEST = 1e6  # far beyond any pixel; its square is a number in every format

Place = Callable[[tuple[int, ...]], str]
"""How a message names the place of the number with this index."""


def indexed(name: str) -> Place:
    """Places in an array, as Python writes them."""
    return lambda index: f"{name}[{', '.join(map(str, index))}]"


def images_of(pixels: np.ndarray, path: Path, *, name: str, place: Place) -> Images:
    """The images in ``pixels`` (images, ...), flattened; still without labels.

    Raises:
        InputError: a pixel is outside of what its type means.
    """
    kind, flat = pixels.dtype.kind, pixels.reshape(len(pixels), -1)
    none = np.empty(0, np.int64)
    if kind == "b":
        return Images(flat.astype(np.uint8), none, 1, pixels.shape[1:])
    if kind == "u" and pixels.dtype.itemsize == 2:
        return Images(flat.astype(np.uint16), none, 65_535, pixels.shape[1:])
    if kind == "f":
        low: int | np.float64 = np.float64(-_LARGEST)
        high: int | np.float64 = np.float64(_LARGEST)
        limits = f"-{_LARGEST:g} and {_LARGEST:g}"
    else:
        low, high, limits = 0, 255, "0 and 255, as whole numbers are bytes"
    fine = (pixels >= low) & (pixels <= high)
    if not fine.all():
        index = tuple(map(int, np.unravel_index(np.argmin(fine), pixels.shape)))
        line = f"{name} = np.nan_to_num({name}, posinf=0, neginf=0)"
        if np.isfinite(pixels[index]):
            line = f"{name} = ({name} - {name}.min()) / np.ptp({name})"
        said = f"the pixels must be between {limits}, not {pixels[index]} at {place(index)}"
        raise unusable(path, said, hint=in_numpy(line))
    whole = flat if kind == "f" else flat.astype(np.uint8)
    return Images(whole, none, 1 if kind == "f" else 255, pixels.shape[1:])


def labels_of(
    labels: np.ndarray, path: Path, *, name: str, classes: int, place: Place
) -> np.ndarray:
    """The number of the class of each of ``labels``: (images,), (images, 1) or one-hot (images, classes).

    Raises:
        InputError: a label is no whole number from 0 up to below ``classes``, or a row is not one-hot.
    """
    if labels.ndim == 2 and labels.shape[1] > 1:
        return _from_rows(labels, path, name=name, place=place)
    numbers = labels.reshape(-1)
    with np.errstate(invalid="ignore"):  # Infinite ones are no whole numbers either.
        fine = (numbers >= 0) & (numbers < classes) & (numbers % 1 == 0)
    if fine.all():
        return numbers.astype(np.int64)
    at = int(np.argmin(fine))
    wrong = numbers[at]
    said = (
        f"the labels must be whole numbers between 0 and {classes - 1}, "
        f"as the network has {classes} values for labels, not {wrong} at {place((at, 0)[: labels.ndim])}"
    )
    raise unusable(path, said, hint=_hint_at(numbers, name, classes))


def _hint_at(numbers: np.ndarray, name: str, classes: int) -> str:
    """What makes numbers of classes of ``numbers``, or of the network one that has so many classes."""
    found = np.unique(numbers)
    if len(found) <= classes:
        line = f"{name} = np.unique({name}, return_inverse=True)[1]"
        return f"{in_numpy(line)}, which numbers the classes from 0 on"
    if (found >= 0).all() and (found % 1 == 0).all():
        return f"the labels go up to {found[-1]:g}: give the network {found[-1] + 1:g} values for labels"
    return in_numpy(f"{name} = {name}.round().astype(np.int64)")


def _from_rows(labels: np.ndarray, path: Path, *, name: str, place: Place) -> np.ndarray:
    ones = labels == 1
    fine = (ones.sum(axis=1) == 1) & ((labels == 0).sum(axis=1) == labels.shape[1] - 1)
    if not fine.all():
        at = int(np.argmin(fine))
        said = f"the labels must be one-hot, a single 1 in each row, and not so at {place((at,))}"
        raise unusable(path, said, hint=in_numpy(f"{name} = {name}.argmax(axis=1)"))
    return ones.argmax(axis=1)
