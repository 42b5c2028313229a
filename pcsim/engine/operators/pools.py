"""Pooling: the winner or the mean of each window, and how an error goes back to them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.engine.kernels.jit import jit
from pcsim.engine.operators.operation import Operation
from pcsim.network import Term


class _Pool(Operation):
    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        self.out, self.pulled = self.room(term.gives), self.room(term.reads)


class MaxPool(_Pool):
    """Keeps where in its image each winner stands. An error goes back to the winner alone."""

    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        self.winners = self.room(term.gives, np.int32)

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        choose(value, self.settings.kernel, self.settings.stride, out, self.winners[: len(value)])
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        to_winners(d, self.winners[: len(d)], pulled)
        return pulled


class AvgPool(_Pool):
    """Keeps nothing. An error goes back to all of its window in equal parts."""

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        average(value, self.settings.kernel, self.settings.stride, out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        to_windows(d, self.settings.kernel, self.settings.stride, pulled)
        return pulled


class GlobalAvgPool(_Pool):
    """The mean of each channel; keeps nothing."""

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        np.mean(value, axis=(2, 3), out=out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        pulled[:] = (d / self.dtype.type(self.reads[1] * self.reads[2]))[:, :, None, None]
        return pulled


class MeanTokens(_Pool):
    """The mean over all tokens; keeps nothing."""

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        np.mean(value, axis=1, out=out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        pulled[:] = (d / self.dtype.type(self.reads[0]))[:, None, :]
        return pulled


@jit
def choose(
    value: np.ndarray, kernel: int, stride: int, out: np.ndarray, winners: np.ndarray
) -> None:
    """The largest of each window, of equal ones the first, and its place in the image; not-a-number wins.

    Place after place of all windows in a row, so that it has no branch and many windows go at once.
    """
    samples, channels, rows, cols = out.shape
    width = value.shape[3]
    for n in range(samples):
        for c in range(channels):
            for i in range(rows):
                best, places = out[n, c, i], winners[n, c, i]
                for a in range(kernel):
                    y = i * stride + a
                    for b in range(kernel):
                        line = value[n, c, y, b:]
                        place = np.int32(y * width + b)
                        if a == 0 and b == 0:
                            for j in range(cols):
                                best[j] = line[j * stride]
                                places[j] = place + np.int32(j * stride)
                        elif stride == 2:
                            for j in range(cols):
                                new, old = line[2 * j], best[j]
                                wins = (new > old) | (new != new)
                                best[j] = new if wins else old
                                places[j] = place + np.int32(2 * j) if wins else places[j]
                        else:
                            for j in range(cols):
                                new, old = line[j * stride], best[j]
                                wins = (new > old) | (new != new)
                                best[j] = new if wins else old
                                places[j] = place + np.int32(j * stride) if wins else places[j]


@jit
def to_winners(d: np.ndarray, winners: np.ndarray, pulled: np.ndarray) -> None:
    """pulled (n, channels, height, width): each of d (n, channels, rows, cols) at its winner's place."""
    samples, channels, rows, cols = d.shape
    zero = pulled.dtype.type(0)
    flat = pulled.reshape(samples, channels, pulled.shape[2] * pulled.shape[3])
    for n in range(samples):
        for c in range(channels):
            image = flat[n, c]
            for j in range(image.size):
                image[j] = zero
            for i in range(rows):
                for j in range(cols):
                    image[winners[n, c, i, j]] += d[n, c, i, j]


@jit
def average(value: np.ndarray, kernel: int, stride: int, out: np.ndarray) -> None:
    """The mean of each window."""
    samples, channels, rows, cols = out.shape
    zero = out.dtype.type(0)
    part = out.dtype.type(1.0 / (kernel * kernel))
    for n in range(samples):
        for c in range(channels):
            for i in range(rows):
                for j in range(cols):
                    total = zero
                    for a in range(kernel):
                        for b in range(kernel):
                            total += value[n, c, i * stride + a, j * stride + b]
                    out[n, c, i, j] = total * part


@jit
def to_windows(d: np.ndarray, kernel: int, stride: int, pulled: np.ndarray) -> None:
    """pulled (n, channels, height, width): each of d (n, channels, rows, cols) in equal parts over its window."""
    samples, channels, rows, cols = d.shape
    part = pulled.dtype.type(1.0 / (kernel * kernel))
    zero = pulled.dtype.type(0)
    for n in range(samples):
        for c in range(channels):
            image = pulled[n, c]
            for y in range(image.shape[0]):
                for x in range(image.shape[1]):
                    image[y, x] = zero
            for i in range(rows):
                for j in range(cols):
                    share = d[n, c, i, j] * part
                    for a in range(kernel):
                        for b in range(kernel):
                            image[i * stride + a, j * stride + b] += share
