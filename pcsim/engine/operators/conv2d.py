"""Convolution as a product: every window of an image becomes a column (im2col), and all filters meet all columns.

With K = channels of a group x kernel^2 and P = windows of an image, of each group

    forward   (F, K) x (K, P), columns cut out of the image
    pull      (K, F) x (F, P), columns added back to where they were cut out (col2im)
    gradient  (K, P) x (P, F), summed over the samples; so BLAS is faster than the other way round

A few samples share one product where their images are small, so that a product is never narrow; columns are
made, used and forgotten block by block, in a nearby cache. Where the result is as wide as the image, a row of
columns is the image itself, shifted: one copy, and zeros at the edges.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.compiled.jit import inner, jit
from pcsim.engine.operators.operation import Operation
from pcsim.network import Term

NARROW = 16
"""Columns of a product below which further samples join it."""
SMALL_PRODUCT = 1_000_000
"""Multiply-adds up to which OpenBLAS takes its unpacked path, about 1.5 times faster."""
FEWEST = 64
"""Columns that are worth a product of their own."""


class Conv2dOperation(Operation):
    """Keeps its input."""

    def __init__(
        self, term: Term, parameters: Mapping[str, np.ndarray], samples: int, dtype: str
    ) -> None:
        super().__init__(term, parameters, samples, dtype)
        self.out, self.pulled = self.room(term.gives), self.room(term.reads)
        self.value = self.pulled
        conv = self.settings
        self.window = (conv.kernel, conv.stride, conv.padding, conv.groups)
        filters, height, width = term.gives
        inputs = term.reads[0] // conv.groups * conv.kernel**2
        self.cut = cut_of(samples, height, width, filters // conv.groups * inputs)
        columns = self.cut[0] * self.cut[1] * width
        self.columns = np.empty(inputs * columns, self.dtype)
        self.wide = np.empty(filters // conv.groups * columns, self.dtype)
        self.product = np.empty((inputs, filters // conv.groups), self.dtype)
        self.no_bias = np.empty(0, self.dtype)

    def forward(self, value: np.ndarray) -> np.ndarray:
        self.value = value
        out = self.out[: len(value)]
        weight, bias = self.weights["weight"], self.weights.get("bias", self.no_bias)
        correlate(value, weight, bias, self.window, self.cut, self.columns, self.wide, out)
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        weight = self.weights["weight"]
        spread(d, weight, self.window, self.cut, self.columns, self.wide, pulled)
        return pulled

    def gradient(self, d: np.ndarray, into: Mapping[str, np.ndarray]) -> None:
        add_products(
            d,
            self.value,
            self.window,
            self.cut,
            self.columns,
            self.wide,
            self.product,
            into["weight"],
        )
        if "bias" in into:
            into["bias"] += d.sum(axis=(0, 2, 3))


def cut_of(samples: int, height: int, width: int, macs_of_a_column: int) -> tuple[int, int]:
    """How many samples, or of one sample how many rows of windows, share a product: one of the two is not 1 or all."""
    if height * width < NARROW:
        return max(1, min(samples, NARROW // (height * width))), height
    columns = SMALL_PRODUCT // macs_of_a_column
    if columns < max(FEWEST, width) or columns >= height * width:
        return 1, height
    parts = -(-height // (columns // width))
    return 1, -(-height // parts)


@jit
def correlate(
    value: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    window: tuple[int, int, int, int],
    cut: tuple[int, int],
    columns: np.ndarray,
    wide: np.ndarray,
    out: np.ndarray,
) -> None:
    """out (n, filters, rows, cols) of value (n, channels, height, width); ``bias`` may be empty.

    ``cut`` is ``cut_of``; ``columns`` and ``wide`` are room for what is cut out and for a product.
    """
    kernel, stride, padding, groups = window
    together, deep = cut
    samples, rows, cols = out.shape[0], out.shape[2], out.shape[3]
    filters, channels = out.shape[1] // groups, value.shape[1] // groups
    inputs = channels * kernel * kernel
    flat = out.reshape(samples, out.shape[1], rows * cols)
    whole = together == 1 and deep == rows
    direct = whole and kernel == 1 and stride == 1 and padding == 0
    for begin in range(0, samples, together):
        count = min(together, samples - begin)
        for group in range(groups):
            first, low = group * filters, group * channels
            matrix = weight[first : first + filters].reshape(filters, inputs)
            if direct:
                image = value[begin, low : low + channels].reshape(inputs, rows * cols)
                np.dot(matrix, image, flat[begin, first : first + filters])
                continue
            for top in range(0, rows, deep):
                places = min(deep, rows - top) * cols
                lines = columns[: inputs * count * places].reshape(inputs, count * places)
                for i in range(count):
                    image = value[begin + i, low : low + channels]
                    unfold(
                        image, kernel, stride, padding, rows, cols, top, lines, i * places, places
                    )
                if whole:
                    np.dot(matrix, lines, flat[begin, first : first + filters])
                    continue
                product = wide[: filters * count * places].reshape(filters, count * places)
                np.dot(matrix, lines, product)
                for i in range(count):
                    for f in range(filters):
                        source = product[f, i * places :]
                        target = flat[begin + i, first + f, top * cols :]
                        for j in range(places):
                            target[j] = source[j]
        if bias.size:
            for i in range(begin, begin + count):
                for f in range(bias.size):
                    target = flat[i, f]
                    offset = bias[f]
                    for j in range(rows * cols):
                        target[j] += offset


@jit
def spread(
    d: np.ndarray,
    weight: np.ndarray,
    window: tuple[int, int, int, int],
    cut: tuple[int, int],
    columns: np.ndarray,
    wide: np.ndarray,
    pulled: np.ndarray,
) -> None:
    """pulled (n, channels, height, width): what each of d (n, filters, rows, cols) brings to its window."""
    kernel, stride, padding, groups = window
    together, deep = cut
    samples, rows, cols = d.shape[0], d.shape[2], d.shape[3]
    filters, channels = d.shape[1] // groups, pulled.shape[1] // groups
    inputs = channels * kernel * kernel
    flat = d.reshape(samples, d.shape[1], rows * cols)
    whole = together == 1 and deep == rows
    direct = whole and kernel == 1 and stride == 1 and padding == 0
    for begin in range(0, samples, together):
        count = min(together, samples - begin)
        if not direct:
            for i in range(begin, begin + count):
                clear(pulled[i])
        for group in range(groups):
            first, low = group * filters, group * channels
            matrix = weight[first : first + filters].reshape(filters, inputs)
            if direct:
                image = pulled[begin, low : low + channels].reshape(inputs, rows * cols)
                np.dot(matrix.T, flat[begin, first : first + filters], image)
                continue
            for top in range(0, rows, deep):
                places = min(deep, rows - top) * cols
                lines = columns[: inputs * count * places].reshape(inputs, count * places)
                if whole:
                    np.dot(matrix.T, flat[begin, first : first + filters], lines)
                else:
                    errors = wide[: filters * count * places].reshape(filters, count * places)
                    gather(flat, begin, count, first, top * cols, places, errors)
                    np.dot(matrix.T, errors, lines)
                for i in range(count):
                    image = pulled[begin + i, low : low + channels]
                    fold(lines, i * places, places, kernel, stride, padding, rows, cols, top, image)


@jit
def add_products(
    d: np.ndarray,
    value: np.ndarray,
    window: tuple[int, int, int, int],
    cut: tuple[int, int],
    columns: np.ndarray,
    wide: np.ndarray,
    product: np.ndarray,
    into: np.ndarray,
) -> None:
    """Add d (n, filters, rows, cols) times the windows of value, summed over samples and places, to ``into``."""
    kernel, stride, padding, groups = window
    together, deep = cut
    samples, rows, cols = d.shape[0], d.shape[2], d.shape[3]
    filters, channels = d.shape[1] // groups, value.shape[1] // groups
    inputs = channels * kernel * kernel
    flat = d.reshape(samples, d.shape[1], rows * cols)
    for begin in range(0, samples, together):
        count = min(together, samples - begin)
        for group in range(groups):
            first, low = group * filters, group * channels
            target = into[first : first + filters].reshape(filters, inputs)
            for top in range(0, rows, deep):
                places = min(deep, rows - top) * cols
                lines = columns[: inputs * count * places].reshape(inputs, count * places)
                for i in range(count):
                    image = value[begin + i, low : low + channels]
                    unfold(
                        image, kernel, stride, padding, rows, cols, top, lines, i * places, places
                    )
                if together == 1 and deep == rows:
                    np.dot(lines, flat[begin, first : first + filters].T, product)
                else:
                    errors = wide[: filters * count * places].reshape(filters, count * places)
                    gather(flat, begin, count, first, top * cols, places, errors)
                    np.dot(lines, errors.T, product)
                for f in range(filters):
                    for k in range(inputs):
                        target[f, k] += product[k, f]


@inner
def clear(image: np.ndarray) -> None:
    """image (channels, height, width) = 0."""
    flat = image.reshape(image.size)
    zero = image.dtype.type(0)
    for j in range(flat.size):
        flat[j] = zero


@inner
def gather(
    flat: np.ndarray,
    begin: int,
    count: int,
    first: int,
    start: int,
    places: int,
    product: np.ndarray,
) -> None:
    """product (filters, count x places) from flat (n, all filters, all places), sample beside sample."""
    for i in range(count):
        for f in range(product.shape[0]):
            source = flat[begin + i, first + f, start:]
            target = product[f, i * places :]
            for j in range(places):
                target[j] = source[j]


@inner
def unfold(
    image: np.ndarray,
    kernel: int,
    stride: int,
    padding: int,
    all_rows: int,
    cols: int,
    top: int,
    columns: np.ndarray,
    at: int,
    places: int,
) -> None:
    """Rows of windows of ``image`` (channels, height, width) from ``top`` on, as ``places`` columns from ``at`` on."""
    channels, height, width = image.shape
    zero = image.dtype.type(0)
    rows = places // cols
    shifted = stride == 1 and cols == width
    for c in range(channels):
        flat = image[c].reshape(height * width)
        for a in range(kernel):
            above, below = inside(a, stride, padding, height, all_rows)
            above, below = max(above - top, 0), min(below - top, rows)
            for b in range(kernel):
                line = columns[(c * kernel + a) * kernel + b, at:]
                low, high = inside(b, stride, padding, width, cols)
                if above >= below or low >= high:
                    for j in range(places):
                        line[j] = zero
                    continue
                for j in range(above * cols):
                    line[j] = zero
                tail = line[below * cols :]
                for j in range((rows - below) * cols):
                    tail[j] = zero
                if shifted:
                    begin, end = above * cols + low, (below - 1) * cols + high
                    source = flat[begin + (top + a - padding) * width + b - padding :]
                    target = line[begin:]
                    for j in range(end - begin):
                        target[j] = source[j]
                    clear_edges(line, above, below, cols, low, high)
                    continue
                for i in range(above, below):
                    target = line[i * cols :]
                    for j in range(low):
                        target[j] = zero
                    for j in range(high, cols):
                        target[j] = zero
                    target = target[low:]
                    source = image[
                        c, (top + i) * stride + a - padding, low * stride + b - padding :
                    ]
                    if stride == 1:
                        for j in range(high - low):
                            target[j] = source[j]
                    else:
                        for j in range(high - low):
                            target[j] = source[j * stride]


@inner
def fold(
    columns: np.ndarray,
    at: int,
    places: int,
    kernel: int,
    stride: int,
    padding: int,
    all_rows: int,
    cols: int,
    top: int,
    image: np.ndarray,
) -> None:
    """Add ``places`` columns from ``at`` on to the windows of ``image`` that they stand for, as in ``unfold``.

    What columns hold outside of the image is lost.
    """
    channels, height, width = image.shape
    rows = places // cols
    shifted = stride == 1 and cols == width
    for c in range(channels):
        flat = image[c].reshape(height * width)
        for a in range(kernel):
            above, below = inside(a, stride, padding, height, all_rows)
            above, below = max(above - top, 0), min(below - top, rows)
            for b in range(kernel):
                line = columns[(c * kernel + a) * kernel + b, at:]
                low, high = inside(b, stride, padding, width, cols)
                if above >= below or low >= high:
                    continue
                if shifted:
                    clear_edges(line, above, below, cols, low, high)
                    begin, end = above * cols + low, (below - 1) * cols + high
                    target = flat[begin + (top + a - padding) * width + b - padding :]
                    source = line[begin:]
                    for j in range(end - begin):
                        target[j] += source[j]
                    continue
                for i in range(above, below):
                    source = line[i * cols + low :]
                    target = image[
                        c, (top + i) * stride + a - padding, low * stride + b - padding :
                    ]
                    if stride == 1:
                        for j in range(high - low):
                            target[j] += source[j]
                    else:
                        for j in range(high - low):
                            target[j * stride] += source[j]


@inner
def inside(offset: int, stride: int, padding: int, side: int, windows: int) -> tuple[int, int]:
    """Of which windows, from the first up to but without the second, the place ``offset`` lies in the image."""
    return (
        max(0, -((offset - padding) // stride)),
        min(windows, (side - 1 + padding - offset) // stride + 1),
    )


@inner
def clear_edges(line: np.ndarray, above: int, below: int, cols: int, low: int, high: int) -> None:
    """Zero what lies left of ``low`` and right of ``high`` in the rows from ``above`` to ``below``."""
    zero = line.dtype.type(0)
    if low > 0 or high < cols:
        for i in range(above, below):
            row = line[i * cols :]
            for j in range(low):
                row[j] = zero
            for j in range(high, cols):
                row[j] = zero
