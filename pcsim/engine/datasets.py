"""What is learned from? Real images, split in proportion and scaled by what the training part alone tells."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.data.images import Images
from pcsim.engine.data.source import read_source
from pcsim.engine.network import DtypeName
from pcsim.errors import InputError, Problem

if TYPE_CHECKING:
    from pcsim.config import DataSettings

SPLIT_SEED = 0
_PIECE = 1 << 22  # pixels that are scaled at a time, in float64
_NO_SPREAD = 1e-12  # a deviation, relative to the mean, that is but rounding


@dataclass(frozen=True)
class DatasetSplit:
    """Some samples: ``x`` (samples, pixels) and one-hot ``y`` (samples, classes), of one dtype; turned, ``x`` are the
    labels and ``y`` the pixels."""

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """The three parts of a split; no sample is in two of them."""

    train: DatasetSplit
    validation: DatasetSplit
    test: DatasetSplit

    @property
    def turned(self) -> Dataset:
        """Labels in the place of images and images in that of labels: for a network that generates."""
        parts = (self.train, self.validation, self.test)
        return Dataset(*(DatasetSplit(part.y, part.x) for part in parts))


def load_dataset(
    data: DataSettings,
    *,
    classes: int,
    dtype: DtypeName = "float64",
    input_shape: tuple[int, ...] = (),
) -> Dataset:
    """Read, split and scale; the same for all seeds. ``classes`` is the width of the end that labels are clamped to.

    Where ``input_shape`` is (channels, rows, columns), images stored with their channels last are brought to that
    order.

    The parts are cut from one stratified order of all images, or from one of the images for
    training and one of those for testing where the dataset keeps these apart. Pixels are scaled to
    0..1 and, where ``data.normalise``, by one mean and one deviation, those of all pixels of the
    training part; in float64 whatever the dtype.

    Raises:
        InputError: the images cannot be read or learnt from.
    """
    parts = read_source(data.dataset, classes=classes)
    first, *others = (images.as_input(input_shape) for images in parts)
    order = stratified_order(first.labels)
    train, validation, rest = np.split(order, (data.train, data.train + data.validation))
    last = others[0] if others else first
    test = (stratified_order(last.labels) if others else rest)[: data.test]
    mean, deviation = _mean_and_deviation(first, train) if data.normalise else (0.0, 1.0)

    def part(images: Images, rows: np.ndarray) -> DatasetSplit:
        x = np.empty((len(rows), images.pixels.shape[1]), dtype)
        for begin, piece in _pieces(images, rows):
            x[begin : begin + len(piece)] = (piece - mean) / deviation
        return DatasetSplit(x, np.eye(classes, dtype=dtype)[images.labels[rows]])

    return Dataset(part(first, train), part(first, validation), part(last, test))


def stratified_order(labels: np.ndarray) -> np.ndarray:
    """An order of which every stretch holds the classes in proportion, but for rounding."""
    random = np.random.default_rng(SPLIT_SEED)
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.lexsort((labels, rank))


def _mean_and_deviation(images: Images, rows: np.ndarray) -> tuple[float, float]:
    pixels = len(rows) * images.pixels.shape[1]
    mean = math.fsum(float(piece.sum()) for _, piece in _pieces(images, rows)) / pixels
    squares = (float(((piece - mean) ** 2).sum()) for _, piece in _pieces(images, rows))
    deviation = math.sqrt(math.fsum(squares) / pixels)
    if deviation <= _NO_SPREAD * abs(mean):
        said = "data.normalise must be false where all pixels of the training images are equal"
        raise InputError((Problem(said),))
    return mean, deviation


def _pieces(images: Images, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The pixels of ``rows`` as float64 in 0..1, some rows at a time, each with its first row's number."""
    step = max(1, _PIECE // images.pixels.shape[1])
    for begin in range(0, len(rows), step):
        yield begin, images.pixels[rows[begin : begin + step]] / np.float64(images.brightest)


def absent_classes(dataset: Dataset) -> tuple[tuple[int, ...], ...]:
    """The classes, counted from 0, of which the training, validation and test part have no image."""
    parts = (dataset.train, dataset.validation, dataset.test)
    return tuple(
        tuple(int(label) for label in np.flatnonzero(part.y.sum(axis=0) <= 0)) for part in parts
    )
