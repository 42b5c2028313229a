"""Which images can be learnt from, how many are there and how large are they? Known before any is read."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pcsim.config.cifar import PIXELS, SHAPE, cifar_folder
from pcsim.config.fields import FieldKind, Finding, did_you_mean, must_be, rejected
from pcsim.config.idx import idx_parts
from pcsim.config.marks import MarkedValue
from pcsim.config.npz import npz_parts
from pcsim.errors import InputError, Problem

FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its four IDX files."""


@dataclass(frozen=True)
class DatasetShape:
    """What a dataset offers: labelled images, each flattened to ``width`` numbers.

    Training, validation and test share ``images``; where ``test_images`` are kept apart, only the
    first two do. ``classes`` is None where labels alone would tell. ``shape`` is that of an image as stored.
    """

    images: int
    width: int
    classes: int | None
    test_images: int | None = None
    shape: tuple[int, ...] = ()

    @property
    def inputs(self) -> tuple[tuple[int, ...], ...]:
        """Shapes (channels, rows, columns) that a network may give an image; none where any will do."""
        if len(self.shape) == 2:
            return ((1, *self.shape),)
        if len(self.shape) == 3:
            *first, last = self.shape
            return (self.shape, (last, *first))
        return ()


DATASETS: Mapping[str, DatasetShape] = {
    "mnist5k": DatasetShape(images=5000, width=784, classes=10, shape=(28, 28)),
    "digits": DatasetShape(images=1797, width=64, classes=10, shape=(8, 8)),
    "fashion": DatasetShape(
        images=60_000, width=784, classes=10, test_images=10_000, shape=(28, 28)
    ),
}


def dataset() -> FieldKind:
    """A name of ``DATASETS``, or the path of an IDX or CIFAR folder or an .npz file, which becomes absolute.

    A path has a slash or ends in .npz; from Python it is relative to the working folder.
    """
    shape = f"{', '.join(DATASETS)} or a path such as ./folder or images.npz"

    def read(value: object, _from_file: bool) -> str:
        if isinstance(value, str) and value in DATASETS:
            return value
        if not isinstance(value, str) or not _is_path(value):
            raise rejected([must_be(shape, value, hint=did_you_mean(value, DATASETS))])
        path = os.path.abspath(os.path.expanduser(value))
        try:
            dataset_shape(path)
        except InputError as error:
            said = f"must be a folder of IDX or CIFAR files or an .npz file that can be used, not {path!r}"
            raise rejected([Finding(said, hint=str(error.problems[0]))]) from None
        return path

    return FieldKind(read)


def dataset_shape(dataset: str) -> DatasetShape:
    """What a dataset offers; of a path from the headers of its files.

    Raises:
        InputError: there is nothing at that path, or not what it should be.
    """
    if dataset in DATASETS:
        return DATASETS[dataset]
    path = Path(dataset)
    if os.path.isdir(path):  # Path.is_dir raises for names that are too long.
        if cifar := cifar_folder(path):
            images, classes = sum(cifar.train), cifar.kind.classes
            return DatasetShape(images, PIXELS, classes, cifar.test, SHAPE)
        train, test = idx_parts(path)
        width = math.prod(train.shape)
        return DatasetShape(train.count, width, train.classes, test.count, train.shape)
    first, *others = npz_parts(path)
    tests = others[0].count if others else None
    return DatasetShape(first.count, math.prod(first.shape), first.classes, tests, first.shape)


def dataset_place(dataset: str) -> Path | None:
    """The folder or file where a dataset lies; None for those that come with installed libraries.

    Raises:
        InputError: it is a named one that is not installed.
    """
    if dataset != "fashion":
        return None if dataset in DATASETS else Path(dataset)
    if not FASHION_FOLDER.is_dir():
        said = f"data.dataset must be installed, not 'fashion', which {FASHION_FOLDER} would hold"
        hint = (
            "install Debian's package dataset-fashion-mnist, or name any folder with its four IDX "
            "files, such as data.dataset=./fashion-mnist"
        )
        raise InputError((Problem(said, hint=hint),))
    return FASHION_FOLDER


def anchored(tree: MarkedValue) -> MarkedValue:
    """A workload's tree with the path at data.dataset relative to the file that gives it.

    One that an option gives is relative to the working folder.
    """
    data = tree.value.get("data")
    node = data.value.get("dataset") if data and isinstance(data.value, dict) else None
    if node is None or not isinstance(node.value, str) or node.value in DATASETS:
        return tree
    if not _is_path(node.value) or not node.mark.line or node.value.startswith("~"):
        return tree
    path = os.path.abspath(Path(node.mark.file).parent / node.value)
    there = MarkedValue(path, node.mark, node.key_mark)
    values = MarkedValue({**data.value, "dataset": there}, data.mark, data.key_mark)
    return MarkedValue({**tree.value, "data": values}, tree.mark, tree.key_mark)


def _is_path(text: str) -> bool:
    return "/" in text or os.sep in text or text.endswith(".npz")
