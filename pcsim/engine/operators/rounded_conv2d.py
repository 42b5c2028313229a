"""Convolution whose sums are rounded to a narrow accumulator after every product, or read from analog cells.

Forward, a place's products are taken channel after channel and along its window. On the way back the products with
all filters make the columns of one image first; these are added up in the image, place of the window after place,
and rounded after each; so are those that analog cells give. The gradient's sum runs over the samples, and over
the places of each. Random bits belong to the image (and its group of channels) and to the place. Where the
accumulator is as wide as the carrier, all is as without rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from math import prod

import numpy as np

from pcsim.compiled.jit import inner, jit
from pcsim.engine.kernels.arithmetic import GRADIENT, ONE, SUMS, SUMS_BACK, ZERO
from pcsim.engine.kernels.rounded_products import turned
from pcsim.engine.kernels.rounded_samples import columns_backward, columns_forward, sum_of_columns
from pcsim.engine.numerics.coding import Code
from pcsim.engine.numerics.products import narrow_product
from pcsim.engine.numerics.quantise import quantise
from pcsim.engine.numerics.random_bits import word
from pcsim.engine.operators.conv2d import Conv2dOperation, clear, unfold
from pcsim.engine.operators.rounded_operation import RoundedOperation


class RoundedConv2d(RoundedOperation, Conv2dOperation):
    """As ``Conv2dOperation``; sums are rounded to the accumulator, results by whoever calls."""

    @cached_property
    def whole(self) -> np.ndarray:
        """The filters as a matrix (filters, values of a window): scratch for a gradient."""
        inputs = self.reads[0] // self.settings.groups * self.settings.kernel**2
        return np.empty((self.gives[0], inputs), self.dtype)

    @cached_property
    def lines(self) -> np.ndarray:
        """Scratch for the windows of one group of an image: (values of a window, places)."""
        return np.empty((self.whole.shape[1], prod(self.gives[1:])), self.dtype)

    def forward(self, value: np.ndarray) -> np.ndarray:
        if self.rounding.numbers.analog:
            return self._read(value)
        if not self.rounding.narrow:
            return super().forward(value)
        self.value = value
        out = self.out[: len(value)]
        key = self.rounding.key(int(SUMS), self.place.product)
        accumulate, weight = self.rounding.numbers.accumulate, self.weights["weight"]
        narrow_correlate(value, weight, self.window, self.lines, out, accumulate, key)
        if "bias" in self.weights:
            out += self.weights["bias"][:, None, None]
        return out

    def pull(self, d: np.ndarray) -> np.ndarray:
        if self.rounding.numbers.analog:
            return self._read_back(d)
        if not self.rounding.narrow:
            return super().pull(d)
        pulled = self.pulled[: len(d)]
        key = self.rounding.key(int(SUMS_BACK), self.place.product)
        accumulate, weight = self.rounding.numbers.accumulate, self.weights["weight"]
        narrow_spread(d, weight, self.window, self.lines, pulled, accumulate, key)
        return pulled

    def _read(self, value: np.ndarray) -> np.ndarray:
        """``forward`` by analog cells: the columns of all images together are one product, of each group."""
        self.value = value
        out, weight = self.out[: len(value)], self.weights["weight"]
        kernel, stride, padding, groups = self.window
        filters, inputs = self.whole.shape[0] // groups, self.whole.shape[1]
        columns = np.empty((inputs, len(value) * out[0, 0].size), self.dtype)
        sums = np.empty((filters, columns.shape[1]), self.dtype)
        for group in range(groups):
            unfold_all(value, group, kernel, stride, padding, out.shape[2], out.shape[3], columns)
            here = slice(group * filters, (group + 1) * filters)
            matrix = weight[here].reshape(filters, inputs)
            columns_forward(matrix, columns, sums, *self._how(int(SUMS), group))
            laid = sums.reshape(filters, len(value), *out.shape[2:])
            out[:, here] = laid.transpose(1, 0, 2, 3)
        if "bias" in self.weights:
            out += self.weights["bias"][:, None, None]
        return out

    def _read_back(self, d: np.ndarray) -> np.ndarray:
        """``pull`` by analog cells, whose columns are added up in the image as without them."""
        pulled, weight = self.pulled[: len(d)], self.rounding.seen[self.at]["weight"]
        groups, inputs = self.window[3], self.whole.shape[1]
        filters = self.whole.shape[0] // groups
        columns = np.empty((groups, inputs, len(d) * d[0, 0].size), self.dtype)
        for group in range(groups):
            here = slice(group * filters, (group + 1) * filters)
            errors = np.ascontiguousarray(d[:, here].transpose(1, 0, 2, 3)).reshape(filters, -1)
            matrix, how = weight[here].reshape(filters, inputs), self._how(int(SUMS_BACK), group)
            columns_backward(matrix, errors, columns[group], *how)
        rounding = self.rounding
        key = rounding.key(int(SUMS_BACK), self.place.product)
        fold_all(
            columns,
            self.window,
            d.shape[2],
            d.shape[3],
            pulled,
            rounding.narrow,
            rounding.numbers.accumulate,
            key,
        )
        return pulled

    def _how(self, tensor: int, group: int) -> tuple[object, ...]:
        """How a group's product is read and rounded; each has noise of its own."""
        rounding, number = self.rounding, self.place.product
        cells = rounding.cells(tensor, number, (self.at, "weight"))
        key = rounding.key(tensor, number)
        if group:
            cells = cells._replace(key=np.uint64(word(cells.key, group)))
            key = np.uint64(word(key, group))
        return cells, rounding.narrow, rounding.numbers.accumulate, key

    def gradient(self, d: np.ndarray, into: Mapping[str, np.ndarray]) -> None:
        rounding, place = self.rounding, self.place
        factor = self.dtype.type(place.factor)
        found = {name: np.zeros_like(into[name]) for name in into}
        if rounding.narrow:
            accumulate = rounding.numbers.accumulate
            key = rounding.key(int(GRADIENT), place.product)
            narrow_add_products(d, self.value, self.window, self.lines, self.whole, accumulate, key)
            found["weight"] += self.whole.reshape(found["weight"].shape)
            if "bias" in into:
                key = rounding.key(int(GRADIENT), place.products + place.product)
                errors = np.ascontiguousarray(d.transpose(1, 0, 2, 3)).reshape(d.shape[1], -1)
                sum_of_columns(errors, found["bias"], True, accumulate, key)
        else:
            super().gradient(d, found)
        for name, array in found.items():
            if factor != 1:
                array *= factor
            into[name][:] += array


@jit
def narrow_correlate(
    value: np.ndarray,
    weight: np.ndarray,
    window: tuple[int, int, int, int],
    lines: np.ndarray,
    out: np.ndarray,
    accumulator: Code,
    key: np.uint64,
) -> None:
    """out (n, filters, rows, cols) of value (n, channels, height, width), without bias."""
    kernel, stride, padding, groups = window
    samples, rows, cols = out.shape[0], out.shape[2], out.shape[3]
    filters, channels = out.shape[1] // groups, value.shape[1] // groups
    inputs = channels * kernel * kernel
    flat = out.reshape(samples, out.shape[1], rows * cols)
    for n in range(samples):
        for group in range(groups):
            first, low = group * filters, group * channels
            matrix = weight[first : first + filters].reshape(filters, inputs)
            image = value[n, low : low + channels]
            unfold(image, kernel, stride, padding, rows, cols, 0, lines, 0, rows * cols)
            here = word(key, n * groups + group)
            narrow_product(matrix, lines, flat[n, first : first + filters], accumulator, here, ONE)


@jit
def narrow_spread(
    d: np.ndarray,
    weight: np.ndarray,
    window: tuple[int, int, int, int],
    lines: np.ndarray,
    pulled: np.ndarray,
    accumulator: Code,
    key: np.uint64,
) -> None:
    """pulled (n, channels, height, width): what each of d (n, filters, rows, cols) brings to its window."""
    kernel, groups = window[0], window[3]
    samples, rows, cols = d.shape[0], d.shape[2], d.shape[3]
    filters, channels = d.shape[1] // groups, pulled.shape[1] // groups
    inputs = channels * kernel * kernel
    flat = d.reshape(samples, d.shape[1], rows * cols)
    for n in range(samples):
        for group in range(groups):
            first, low = group * filters, group * channels
            matrix = weight[first : first + filters].reshape(filters, inputs)
            here = word(key, n * groups + group)
            errors = flat[n, first : first + filters]
            narrow_product(turned(matrix), errors, lines, accumulator, here, ONE)
            image = pulled[n, low : low + channels]
            clear(image)
            fold_rounded(lines, window, rows, cols, 0, image, True, accumulator, here)


@inner
def fold_rounded(
    lines: np.ndarray,
    window: tuple[int, int, int, int],
    rows: int,
    cols: int,
    at: int,
    image: np.ndarray,
    narrow: bool,
    accumulator: Code,
    key: np.uint64,
) -> None:
    """Add columns, from ``at`` on, to ``image`` (channels, height, width), one place of the window after the other."""
    kernel, stride, padding = window[0], window[1], window[2]
    channels, height, width = image.shape
    for a in range(kernel):
        for b in range(kernel):
            for c in range(channels):
                line = lines[(c * kernel + a) * kernel + b, at:]
                for i in range(rows):
                    y = i * stride + a - padding
                    if y < 0 or y >= height:
                        continue
                    for j in range(cols):
                        x = j * stride + b - padding
                        if x >= 0 and x < width:
                            image[c, y, x] += line[i * cols + j]
            if narrow:
                bits = word(key, a * kernel + b)
                quantise(image.reshape(image.size), accumulator, bits, ZERO, ONE)


@jit
def unfold_all(
    value: np.ndarray,
    group: int,
    kernel: int,
    stride: int,
    padding: int,
    rows: int,
    cols: int,
    columns: np.ndarray,
) -> None:
    """columns (inputs, samples x places) of one group of value (n, channels, height, width)."""
    channels, places = columns.shape[0] // (kernel * kernel), rows * cols
    for n in range(value.shape[0]):
        image = value[n, group * channels : (group + 1) * channels]
        unfold(image, kernel, stride, padding, rows, cols, 0, columns, n * places, places)


@jit
def fold_all(
    columns: np.ndarray,
    window: tuple[int, int, int, int],
    rows: int,
    cols: int,
    pulled: np.ndarray,
    narrow: bool,
    accumulator: Code,
    key: np.uint64,
) -> None:
    """pulled (n, channels, height, width) of columns (groups, inputs, samples x places)."""
    groups = columns.shape[0]
    channels = pulled.shape[1] // groups
    for n in range(pulled.shape[0]):
        for group in range(groups):
            image = pulled[n, group * channels : (group + 1) * channels]
            clear(image)
            here = word(key, n * groups + group)
            at = n * rows * cols
            fold_rounded(columns[group], window, rows, cols, at, image, narrow, accumulator, here)


@jit
def narrow_add_products(
    d: np.ndarray,
    value: np.ndarray,
    window: tuple[int, int, int, int],
    lines: np.ndarray,
    product: np.ndarray,
    accumulator: Code,
    key: np.uint64,
) -> None:
    """product (filters, inputs) = d (n, filters, rows, cols) times the windows of value."""
    kernel, stride, padding, groups = window
    samples, rows, cols = d.shape[0], d.shape[2], d.shape[3]
    filters, channels = d.shape[1] // groups, value.shape[1] // groups
    places, inputs = rows * cols, channels * kernel * kernel
    flat = d.reshape(samples, d.shape[1], places)
    chunks = samples * places
    for f in range(product.shape[0]):
        for k in range(inputs):
            product[f, k] = 0.0
    for n in range(samples):
        for group in range(groups):
            image = value[n, group * channels : (group + 1) * channels]
            unfold(image, kernel, stride, padding, rows, cols, 0, lines, 0, places)
            columns = turned(lines)
            for f in range(group * filters, (group + 1) * filters):
                total = product[f]
                for p in range(places):
                    error, column = flat[n, f, p], columns[p]
                    for k in range(inputs):
                        total[k] += error * column[k]
                    at = (f * chunks + n * places + p) * inputs
                    quantise(total, accumulator, key, at, ONE)
