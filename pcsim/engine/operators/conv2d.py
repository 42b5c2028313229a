"""Convolution as a product: every window of an image becomes a column (im2col), and all filters meet all columns.

With K = channels of a group x kernel^2 and P = windows of an image, of each group

    forward   (F, K) x (K, P), columns cut out of the image
    pull      (K, F) x (F, P), columns added back to where they were cut out (col2im)
    gradient  (F, P) x (P, K), summed over the samples

A few samples share one product where their images are small, so that a product is never narrow; columns are
made, used and forgotten block by block, in a nearby cache. Convolutions whose groups have one channel each, depthwise
ones, are no products worth the name, and add up shifted rows instead.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.engine.kernels.jit import inner, jit
from pcsim.engine.operators.operation import Operation
from pcsim.network import Term

WIDE = 256
"""Columns of a product below which further samples join it."""


class Conv2d(Operation):
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
        self.together = max(1, min(samples, WIDE // (height * width)))
        columns = height * width * self.together
        self.columns = np.empty(inputs * columns, self.dtype)
        self.wide = np.empty(filters // conv.groups * columns, self.dtype)
        self.product = np.empty((filters // conv.groups, inputs), self.dtype)
        self.no_bias = np.empty(0, self.dtype)

    def forward(self, value: np.ndarray) -> np.ndarray:
        self.value = value
        out = self.out[: len(value)]
        bias = self.weights.get("bias", self.no_bias)
        correlate(
            value,
            self.weights["weight"],
            bias,
            self.window,
            self.together,
            self.columns,
            self.wide,
            out,
        )
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        pulled = self.pulled[: len(d)]
        spread(
            d,
            self.weights["weight"],
            self.window,
            self.together,
            self.columns,
            self.wide,
            pulled,
        )
        return pulled

    def gradient(self, d: np.ndarray, into: Mapping[str, np.ndarray]) -> None:
        add_products(
            d,
            self.value,
            self.window,
            self.together,
            self.columns,
            self.wide,
            self.product,
            into["weight"],
        )
        if "bias" in into:
            into["bias"] += d.sum(axis=(0, 2, 3))


@jit
def correlate(
    value: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    window: tuple[int, int, int, int],
    together: int,
    columns: np.ndarray,
    wide: np.ndarray,
    out: np.ndarray,
) -> None:
    """out (n, filters, rows, cols) of value (n, channels, height, width); ``bias`` may be empty.

    ``columns`` and ``wide`` are room for the columns and the product of ``together`` samples.
    """
    kernel, stride, padding, groups = window
    samples, filters = out.shape[0], out.shape[1] // groups
    places, channels = out.shape[2] * out.shape[3], value.shape[1] // groups
    inputs = channels * kernel * kernel
    flat = out.reshape(samples, out.shape[1], places)
    direct = kernel == 1 and stride == 1 and padding == 0 and together == 1
    for begin in range(0, samples, together):
        count = min(together, samples - begin)
        cut = columns[: inputs * count * places].reshape(inputs, count * places)
        for group in range(groups):
            first, low = group * filters, group * channels
            matrix = weight[first : first + filters].reshape(filters, inputs)
            if direct:
                image = value[begin, low : low + channels].reshape(inputs, places)
                np.dot(matrix, image, flat[begin, first : first + filters])
            else:
                for i in range(count):
                    image = value[begin + i, low : low + channels]
                    unfold(image, kernel, stride, padding, out.shape[2], out.shape[3], cut, i)
                if together == 1:
                    np.dot(matrix, cut, flat[begin, first : first + filters])
                else:
                    product = wide[: filters * count * places].reshape(filters, count * places)
                    np.dot(matrix, cut, product)
                    for i in range(count):
                        for f in range(filters):
                            source = product[f, i * places :]
                            target = flat[begin + i, first + f]
                            for j in range(places):
                                target[j] = source[j]
        if bias.size:
            for i in range(begin, begin + count):
                for f in range(bias.size):
                    target = flat[i, f]
                    offset = bias[f]
                    for j in range(places):
                        target[j] += offset


@jit
def spread(
    d: np.ndarray,
    weight: np.ndarray,
    window: tuple[int, int, int, int],
    together: int,
    columns: np.ndarray,
    wide: np.ndarray,
    pulled: np.ndarray,
) -> None:
    """pulled (n, channels, height, width): what each of d (n, filters, rows, cols) brings to its window."""
    kernel, stride, padding, groups = window
    samples, filters = d.shape[0], d.shape[1] // groups
    places, channels = d.shape[2] * d.shape[3], pulled.shape[1] // groups
    inputs = channels * kernel * kernel
    flat = d.reshape(samples, d.shape[1], places)
    direct = kernel == 1 and stride == 1 and padding == 0 and together == 1
    for begin in range(0, samples, together):
        count = min(together, samples - begin)
        cut = columns[: inputs * count * places].reshape(inputs, count * places)
        for group in range(groups):
            first, low = group * filters, group * channels
            matrix = weight[first : first + filters].reshape(filters, inputs)
            if direct:
                image = pulled[begin, low : low + channels].reshape(inputs, places)
                np.dot(matrix.T, flat[begin, first : first + filters], image)
                continue
            if together == 1:
                np.dot(matrix.T, flat[begin, first : first + filters], cut)
            else:
                product = wide[: filters * count * places].reshape(filters, count * places)
                gather(flat, begin, count, first, product)
                np.dot(matrix.T, product, cut)
            for i in range(count):
                image = pulled[begin + i, low : low + channels]
                fold(cut, i, kernel, stride, padding, d.shape[2], d.shape[3], image)


@jit
def add_products(
    d: np.ndarray,
    value: np.ndarray,
    window: tuple[int, int, int, int],
    together: int,
    columns: np.ndarray,
    wide: np.ndarray,
    product: np.ndarray,
    into: np.ndarray,
) -> None:
    """Add d (n, filters, rows, cols) times the windows of value, summed over samples and places, to ``into``."""
    kernel, stride, padding, groups = window
    samples, filters = d.shape[0], d.shape[1] // groups
    places, channels = d.shape[2] * d.shape[3], value.shape[1] // groups
    inputs = channels * kernel * kernel
    flat = d.reshape(samples, d.shape[1], places)
    for begin in range(0, samples, together):
        count = min(together, samples - begin)
        cut = columns[: inputs * count * places].reshape(inputs, count * places)
        for group in range(groups):
            first, low = group * filters, group * channels
            for i in range(count):
                image = value[begin + i, low : low + channels]
                unfold(image, kernel, stride, padding, d.shape[2], d.shape[3], cut, i)
            if together == 1:
                np.dot(flat[begin, first : first + filters], cut.T, product)
            else:
                errors = wide[: filters * count * places].reshape(filters, count * places)
                gather(flat, begin, count, first, errors)
                np.dot(errors, cut.T, product)
            target = into[first : first + filters].reshape(filters, inputs)
            for f in range(filters):
                for k in range(inputs):
                    target[f, k] += product[f, k]


@inner
def gather(flat: np.ndarray, begin: int, count: int, first: int, product: np.ndarray) -> None:
    """product (filters, count x places) from flat (n, all filters, places), sample beside sample."""
    places = flat.shape[2]
    for i in range(count):
        for f in range(product.shape[0]):
            source = flat[begin + i, first + f]
            target = product[f, i * places :]
            for j in range(places):
                target[j] = source[j]


@inner
def unfold(
    image: np.ndarray,
    kernel: int,
    stride: int,
    padding: int,
    rows: int,
    cols: int,
    columns: np.ndarray,
    sample: int,
) -> None:
    """The windows of ``image`` (channels, height, width) as the columns of the sample ``sample`` of a block."""
    channels, height, width = image.shape
    zero = image.dtype.type(0)
    for c in range(channels):
        for a in range(kernel):
            for b in range(kernel):
                line = columns[(c * kernel + a) * kernel + b, sample * rows * cols :]
                low = max(0, -((b - padding) // stride))
                high = min(cols, (width - 1 + padding - b) // stride + 1)
                for i in range(rows):
                    y = i * stride + a - padding
                    target = line[i * cols :]
                    if y < 0 or y >= height or high <= low:
                        for j in range(cols):
                            target[j] = zero
                        continue
                    for j in range(low):
                        target[j] = zero
                    for j in range(high, cols):
                        target[j] = zero
                    inside = target[low:]
                    source = image[c, y, low * stride + b - padding :]
                    if stride == 1:
                        for j in range(high - low):
                            inside[j] = source[j]
                    else:
                        for j in range(high - low):
                            inside[j] = source[j * stride]


@inner
def fold(
    columns: np.ndarray,
    sample: int,
    kernel: int,
    stride: int,
    padding: int,
    rows: int,
    cols: int,
    image: np.ndarray,
) -> None:
    """image (channels, height, width) = each column added to the window that it stands for."""
    channels, height, width = image.shape
    zero = image.dtype.type(0)
    for c in range(channels):
        for y in range(height):
            target = image[c, y]
            for j in range(width):
                target[j] = zero
        for a in range(kernel):
            for b in range(kernel):
                line = columns[(c * kernel + a) * kernel + b, sample * rows * cols :]
                low = max(0, -((b - padding) // stride))
                high = min(cols, (width - 1 + padding - b) // stride + 1)
                if high <= low:
                    continue
                for i in range(rows):
                    y = i * stride + a - padding
                    if y < 0 or y >= height:
                        continue
                    inside = line[i * cols + low :]
                    target = image[c, y, low * stride + b - padding :]
                    if stride == 1:
                        for j in range(high - low):
                            target[j] += inside[j]
                    else:
                        for j in range(high - low):
                            target[j * stride] += inside[j]
