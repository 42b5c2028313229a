"""A plain numpy version of one small convolutional network in narrow numbers, written down step by step.

z1 = conv(x), z2 = conv(relu z1) + z1, z3 = max_pool(tanh z2), y = dense(z3); rounding to nearest alone, so that no
random bits are needed. Every sum of products is one loop over its terms in their order.
"""

import numpy as np

from pcsim.engine.kernels.activations import activate
from pcsim.engine.kernels.arithmetic import EVALUATING
from pcsim.engine.kernels.layout import TANH
from pcsim.engine.numerics import analog
from pcsim.engine.numerics.quantise import quantised
from pcsim.network import graph_of

SHAPE = (2, 4, 6)
GRAPH = graph_of(
    SHAPE,
    [
        {"name": "z1", "branches": [{"from": "x", "map": [["conv2d", {"filters": 3, "kernel": 3, "padding": 1}]]}]},
        {"name": "z2", "branches": [
            {"from": "z1", "map": ["relu", ["conv2d", {"filters": 3, "kernel": 3, "padding": 1}]]},
            {"from": "z1", "map": []},
        ]},
        {"name": "z3", "branches": [{"from": "z2", "map": ["tanh", ["max_pool", {"kernel": 2}]]}]},
        {"name": "y", "branches": [{"from": "z3", "map": ["flatten", ["dense", {"units": 3}]]}]},
    ],
)  # fmt: skip
CONV1, CONV2, DENSE = "z1.0.0", "z2.0.1", "y.0.1"
LAYERS = {CONV1: 1, CONV2: 2, DENSE: 3}


def tanh(z):  # in float32 a rational function, which other tests compare with tanh
    a = np.empty(z.size, z.dtype)
    activate(TANH, z.ravel(), a)
    return a.reshape(z.shape)


def windows(image):
    """(C, H, W) as (C 9, H W): what a window of 3 x 3 with padding 1 sees of each place."""
    channels, height, width = image.shape
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    rows = [
        padded[c, a : a + height, b : b + width].ravel()
        for c in range(channels)
        for a in range(3)
        for b in range(3)
    ]
    return np.array(rows)


def pooled(z):
    """(largest of each 2 x 2, a mask of the first of them), (n, C, H, W)."""
    n, c, h, w = z.shape
    squares = z.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(-1, 4)
    mask = np.zeros_like(squares)
    mask[np.arange(len(squares)), squares.argmax(axis=1)] = 1
    back = mask.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
    return squares.max(axis=1).reshape(n, c, h // 2, w // 2), back.reshape(z.shape)


def spread(d):
    """(n, C, h, w) as (n, C, 2h, 2w), each value four times."""
    return d.repeat(2, axis=2).repeat(2, axis=3)


class ConvChip:
    """The network with weights by key, which learns by plain steps."""

    def __init__(self, numbers, weights, rate, *, seed):
        self.formats, self.analog, self.seed, self.rate = (
            numbers.formats,
            numbers.analog,
            seed,
            rate,
        )
        formats = numbers.formats
        self.count, self.update, self.step = 0, 0, 0
        self.exact = formats.accumulate.name in ("int32", "fp64")
        self.held = {k: quantised(rows(w), formats.updated).reshape(w.shape) for k, w in weights.items()}  # fmt: skip
        self.write()

    def write(self):
        self.w = self.held  # the same arrays: what writing adds to the only copy stays
        if self.formats.master is not None:
            number = self.formats.weight
            self.w = {k: quantised(rows(w), number).reshape(w.shape) for k, w in self.held.items()}
        self.seen = dict(self.w)
        if not self.analog:
            return
        for key, layer in LAYERS.items():
            where, noise, w = (
                f"{key}.weight",
                {"seed": self.seed, "layer": layer},
                self.w[f"{key}.weight"],
            )
            deviation = self.analog.write_noise * float(np.abs(w).max())
            w = self.w[where] = analog.written(w, deviation=deviation, update=self.count, **noise)
            deviation = self.analog.mismatch * float(np.abs(w).max())
            self.seen[where] = analog.seen_transposed(w, deviation=deviation, **noise)

    def read(self, key, weights, inputs, *, back):
        """weights inputs, by the cells of ``key``."""
        sums = analog.read(
            weights @ inputs,
            inputs,
            deviation=self.analog.read_noise * float(np.abs(self.w[f"{key}.weight"]).max()),
            seed=self.seed,
            layer=LAYERS[key],
            reading=2 * (self.update * 2**20 + self.step + 2) + back,
        )
        largest, bits = float(np.abs(sums).max()), self.analog.adc_bits
        return analog.converted(sums, bits=bits, full_scale=largest) if largest > 0 else sums

    def state(self, values):
        return quantised(values.reshape(len(values), -1), self.formats.state).reshape(values.shape)

    def error(self, values):
        return quantised(values.reshape(len(values), -1), self.formats.error).reshape(values.shape)

    def sums(self, values):
        return values if self.exact else quantised(values, self.formats.accumulate)

    def product(self, a, b, start=None):
        """a b, added to ``start`` term by term."""
        total = np.zeros((len(a), b.shape[1]), a.dtype) if start is None else start
        for k in range(a.shape[1]):
            total = self.sums(total + a[:, k : k + 1] * b[k])
        return total

    def conv(self, key, value):
        weight, bias = self.w[f"{key}.weight"], self.w[f"{key}.bias"]
        matrix = weight.reshape(len(weight), -1)
        if self.analog:
            columns = np.hstack([windows(v) for v in value])
            sums = self.read(key, matrix, columns, back=False) + bias[:, None]
            return sums.reshape(len(weight), len(value), *value.shape[2:]).transpose(1, 0, 2, 3)
        return np.array(
            [
                (self.product(matrix, windows(v)) + bias[:, None]).reshape(-1, *v.shape[1:])
                for v in value
            ]
        )

    def conv_back(self, key, d):
        weight = self.seen[f"{key}.weight"]
        filters, channels = weight.shape[:2]
        n, _, height, width = d.shape
        found = np.zeros((n, channels, height, width), d.dtype)
        matrix = weight.reshape(filters, -1).T
        if self.analog:
            errors = d.transpose(1, 0, 2, 3).reshape(filters, -1)
            every = self.read(key, matrix, errors, back=True).reshape(len(matrix), n, -1)
        for i in range(n):
            columns = (
                every[:, i] if self.analog else self.product(matrix, d[i].reshape(filters, -1))
            )
            columns = columns.reshape(channels, 3, 3, height, width)
            padded = np.zeros((channels, height + 2, width + 2), d.dtype)
            for a in range(3):
                for b in range(3):
                    padded[:, a : a + height, b : b + width] += columns[:, a, b]
                    padded = self.sums(padded)
            found[i] = padded[:, 1:-1, 1:-1]
        return found

    def predict(self, z1, z2, z3):
        """p2, p3 and p4, and what the way back needs."""
        self.a1 = np.maximum(z1, 0)
        self.a2 = self.state(tanh(z2))
        self.rest = z3.reshape(len(z3), -1)
        p2 = self.state(self.conv(CONV2, self.a1) + z1)
        p3, self.mask = pooled(self.a2)
        weight, bias = self.w[f"{DENSE}.weight"], self.w[f"{DENSE}.bias"]
        by_cells = self.analog and self.read(DENSE, weight, self.rest.T, back=False).T
        sums = by_cells if self.analog else self.product(self.rest, weight.T)
        return p2, p3, self.state(sums + bias)

    def feed_forward(self, x, step=0):
        self.x, self.step = x, step
        self.p1 = self.state(self.conv(CONV1, x))
        p2 = self.state(self.conv(CONV2, np.maximum(self.p1, 0)) + self.p1)
        p3, _ = pooled(self.state(tanh(p2)))
        return p2, p3, self.predict(self.p1, p2, p3)[2]

    def outputs(self, x):
        return self.feed_forward(x, int(EVALUATING))[2]

    def back_to(self, e2, e3, e4):
        """What comes to z1 by its convolution, to z2 and z3."""
        seen = self.seen[f"{DENSE}.weight"]
        to3 = self.read(DENSE, seen.T, e4.T, back=True).T if self.analog else self.product(e4, seen)
        to3 = self.error(to3).reshape(e3.shape)
        to2 = spread(e3) * self.mask * (1 - self.a2 * self.a2)
        return self.error(self.conv_back(CONV2, e2)) * (self.a1 > 0), to2, to3

    def infer(self, x, y, steps, rate):
        rate = x.dtype.type(rate)
        p2, p3, p4 = self.feed_forward(x)
        z1, z2, z3 = self.p1.copy(), p2.copy(), p3.copy()
        e1, e2, e3, e4 = np.zeros_like(z1), np.zeros_like(z2), np.zeros_like(z3), self.error(y - p4)
        for self.step in range(1, steps + 1):
            to1, to2, to3 = self.back_to(e2, e3, e4)
            z1 = self.state(z1 - rate * ((e1 - e2) - to1))
            z2 = self.state(z2 - rate * (e2 - self.error(to2)))
            z3 = self.state(z3 - rate * (e3 - to3))
            p2, p3, p4 = self.predict(z1, z2, z3)
            e1, e2, e3 = self.error(z1 - self.p1), self.error(z2 - p2), self.error(z3 - p3)
            e4 = self.error(y - p4)
        self.errors = e1, e2, e3, e4

    def backpropagate(self, x, y):
        e4 = self.error(y - self.feed_forward(x)[2])
        zeros = np.zeros_like(self.a1)
        e3 = self.back_to(zeros, np.zeros_like(pooled(self.a2)[0]), e4)[2]
        e2 = self.error(self.back_to(zeros, e3, e4)[1])
        self.errors = self.error(self.back_to(e2, e3, e4)[0] + e2), e2, e3, e4

    def learn(self):
        e1, e2, _, e4 = self.errors
        found = {
            f"{DENSE}.weight": self.product(e4.T, self.rest),
            f"{DENSE}.bias": self.total(e4.T),
        }
        for key, e, value in ((CONV1, e1, self.x), (CONV2, e2, self.a1)):
            total = None
            for d, v in zip(e, value, strict=True):
                total = self.product(d.reshape(len(d), -1), windows(v).T, total)
            found[f"{key}.weight"] = total.reshape(self.w[f"{key}.weight"].shape)
            found[f"{key}.bias"] = self.total(e.transpose(1, 0, 2, 3).reshape(e.shape[1], -1))
        self.count += 1
        factor, rate = e4.dtype.type(-1.0 / len(e4)), e4.dtype.type(self.rate)
        for key, sums in found.items():
            moved = self.held[key] - rate * (factor * sums)
            self.held[key] = quantised(rows(moved), self.formats.updated).reshape(moved.shape)
        self.write()
        self.update += 1

    def total(self, d):
        return self.product(d, np.ones((d.shape[1], 1), d.dtype))[:, 0]


def rows(w):
    """Weights as rows of what meets one sum, others as one row."""
    return w.reshape(len(w), -1) if w.ndim > 1 else w
