"""Pooling: the winner or the mean of each window, and how an error goes back to them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.compiled.jit import inner, jit
from pcsim.engine.operators.operation import Operation
from pcsim.network import Term


class _Pool(Operation):
    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        self.out, self.pulled = self.room(term.gives), self.room(term.reads)


class MaxPoolOperation(_Pool):
    """Keeps where in its image each winner stands. An error goes back to the winner alone.

    Where windows overlap, a winner of two adds up what comes back.
    """

    selects = True

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


class AvgPoolOperation(_Pool):
    """Keeps nothing. An error goes back to all of its window in equal parts."""

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        average(value, self.settings.kernel, self.settings.stride, out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        to_windows(d, self.settings.kernel, self.settings.stride, pulled)
        return pulled


class GlobalAvgPoolOperation(_Pool):
    """The mean of each channel; keeps nothing."""

    def forward(self, value: np.ndarray) -> np.ndarray:
        out = self.out[: len(value)]
        np.mean(value, axis=(2, 3), out=out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        pulled[:] = (d / self.dtype.type(self.reads[1] * self.reads[2]))[:, :, None, None]
        return pulled


class MeanTokensOperation(_Pool):
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
    """The largest of each window, of equal ones the first, and its place in the image; not-a-number wins."""
    samples, channels, rows, cols = out.shape
    for n in range(samples):
        for c in range(channels):
            image = value[n, c]
            if kernel == 2 and stride == 2:
                choose_of_four(image, out[n, c], winners[n, c])
                continue
            width = image.shape[1]
            for i in range(rows):
                best, places = out[n, c, i], winners[n, c, i]
                for a in range(kernel):
                    for b in range(kernel):
                        line = image[i * stride + a, b:]
                        place = np.int32((i * stride + a) * width + b)
                        first = a == 0 and b == 0
                        for j in range(cols):
                            new, old = line[j * stride], best[j]
                            wins = first | (new > old) | (new != new)
                            best[j] = new if wins else old
                            places[j] = place + np.int32(j * stride) if wins else places[j]


@inner
def choose_of_four(image: np.ndarray, out: np.ndarray, winners: np.ndarray) -> None:
    """``choose`` for windows of 2 x 2 side by side, without a branch."""
    rows, cols = out.shape
    width = image.shape[1]
    for i in range(rows):
        upper, lower = image[2 * i], image[2 * i + 1]
        best_of_row, places = out[i], winners[i]
        begin = 2 * i * width
        for j in range(cols):
            best, place = upper[2 * j], begin
            new = upper[2 * j + 1]
            wins = (new > best) | (new != new)
            best, place = (new, begin + 1) if wins else (best, place)
            new = lower[2 * j]
            wins = (new > best) | (new != new)
            best, place = (new, begin + width) if wins else (best, place)
            new = lower[2 * j + 1]
            wins = (new > best) | (new != new)
            best, place = (new, begin + width + 1) if wins else (best, place)
            best_of_row[j] = best
            places[j] = place + 2 * j


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
