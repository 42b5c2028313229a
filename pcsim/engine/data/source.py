"""What are a dataset's images and labels? Read whole, wherever they lie; nothing is split or scaled."""

from __future__ import annotations

from pcsim.config import dataset_place
from pcsim.config.cifar import cifar_folder
from pcsim.engine.data.bundled import read_bundled
from pcsim.engine.data.cifar import read_cifar
from pcsim.engine.data.idx import read_idx
from pcsim.engine.data.images import Source
from pcsim.engine.data.npz import read_npz


def read_source(dataset: str, *, classes: int) -> Source:
    """The images of ``data.dataset``; every label is below ``classes``.

    Raises:
        InputError: a file is missing, unreadable, damaged or holds what cannot be learnt from.
    """
    place = dataset_place(dataset)
    if place is None:
        return (read_bundled(dataset),)
    if place.is_dir() and (found := cifar_folder(place)):
        return read_cifar(found, classes=classes)
    return read_idx(place, classes=classes) if place.is_dir() else read_npz(place, classes=classes)
