"""How a weight matrix is drawn before learning."""

from __future__ import annotations

import numpy as np


def orthogonal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Rows, or columns where these are fewer, that are orthonormal; of biases zeros.

    A filter is one row. Every such matrix is equally likely: the QR factorisation of normal numbers, with the
    signs of R's diagonal moved to Q (Mezzadri, math-ph/0609050).
    """
    if len(shape) == 1:
        return np.zeros(shape)
    rows, columns = shape[0], int(np.prod(shape[1:]))
    normal = random.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q *= np.sign(np.diag(r))
    return np.ascontiguousarray(q if rows >= columns else q.T).reshape(shape)


def normal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """From N(0, 1); of biases zeros."""
    return np.zeros(shape) if len(shape) == 1 else random.standard_normal(shape)
