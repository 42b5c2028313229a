"""A plain numpy version of both rules in narrow numbers: every array rounded where a chip would store it.

Arrays are (units, samples). Nothing is skipped, cut into blocks or fused. Random bits are those that the
engine documents: of the layer, the tensor, the update and the step.
"""

import numpy as np

from pcsim.engine.kernels.activations import activate
from pcsim.engine.kernels.arithmetic import (
    ACTIVITY,
    ERROR,
    ERROR_BELOW,
    EVALUATING,
    FIRST,
    GRADIENT,
    LEARNING,
    OUTCOME,
    PREDICTION,
    PULL,
    READ,
    READ_ERROR,
    READ_ERROR_BELOW,
    READ_PULL,
    SECOND,
    STATE,
    STATE_FIRST,
    STATE_SECOND,
    STEEP_PULL,
    SUMS,
    SUMS_BACK,
    TARGET,
    TENSORS,
    UPDATED,
)
from pcsim.engine.kernels.layout import TANH
from pcsim.engine.network import initial_weights
from pcsim.engine.numerics import analog
from pcsim.engine.numerics.quantise import quantised

EXACT_SLOPES = ("relu", "linear")


def phi(name, z):
    if name == "tanh":  # in float32 a rational function, which other tests compare with tanh
        a = np.empty(z.size, z.dtype)
        activate(TANH, z.ravel(), a)
        return a.reshape(z.shape)
    if name == "leaky_relu":
        return np.where(z <= 0, z.dtype.type(0.01) * z, z)
    return np.where(z <= 0, z.dtype.type(0), z) if name == "relu" else z.copy()


def times_slope(name, values, a):
    if name == "tanh":
        return values * (1 - a * a)
    if name == "leaky_relu":
        return np.where(a <= 0, values.dtype.type(0.01) * values, values)
    return np.where(a <= 0, values.dtype.type(0), values) if name == "relu" else values.copy()


class Chip:
    """A network that learns in the numbers of ``numerics``."""

    def __init__(self, network, numerics, optimiser, *, seed):
        self.network, self.formats, self.analog = network, numerics.formats, numerics.analog
        self.optimiser, self.seed = optimiser, seed
        self.real = np.dtype(network.dtype).type
        self.layers = range(1, network.layers + 1)
        self.post = network.placement == "post"
        self.on_states = "linear" if self.post else network.activation
        self.update, self.step = 0, LEARNING
        self.weights = [
            self.rounded(w, self.formats.updated, UPDATED, i, axis=-1)
            for i, w in enumerate(initial_weights(network, seed), 1)
        ]
        self.first = [np.zeros_like(w) for w in self.weights]
        self.second = [np.zeros_like(w) for w in self.weights]
        self.write(0)

    # --- rounding ---

    def moment(self):
        return int(self.update) * 2**20 + int(self.step) + 2

    def rounded(self, values, number, tensor, layer, *, axis=0):
        where = {"seed": self.seed, "tensor": layer * TENSORS + tensor, "update": self.moment()}
        return quantised(values, number, axis=axis, **where)

    def state(self, values, tensor, layer):
        return self.rounded(values, self.formats.state, tensor, layer)

    def error(self, values, tensor, layer):
        return self.rounded(values, self.formats.error, tensor, layer)

    def activity(self, name, z, tensor, layer):
        a = phi(name, z)
        return a if name in EXACT_SLOPES else self.state(a, tensor, layer)

    def steep(self, name, values, a, tensor, layer):
        found = times_slope(name, values, a)
        return found if name in EXACT_SLOPES else self.error(found, tensor, layer)

    # --- products ---

    def product(self, a, b, tensor, layer):
        """Sums in the order of k, each rounded; what the carrier holds exactly needs no order."""
        number = self.formats.accumulate
        if number.name in ("int32", {"float32": "fp32", "float64": "fp64"}[self.network.dtype]):
            return (a.astype(np.float64) @ b.astype(np.float64)).astype(a.dtype)
        (rows, inner), columns = a.shape, b.shape[1]
        running = np.zeros((rows, inner, columns), a.dtype)  # the places of random bits
        total = np.zeros((rows, columns), a.dtype)
        for k in range(inner):
            running[:, k] = total + a[:, k : k + 1] * b[k]
            total = self.rounded(running, number, tensor, layer)[:, k]
        return total

    def crossbar(self, weights, inputs, tensor, layer):
        if not self.analog:
            return self.product(weights, inputs, tensor, layer)
        sums = analog.read(
            weights @ inputs,
            inputs,
            deviation=self.analog.read_noise * float(np.abs(self.read[layer - 1]).max()),
            seed=self.seed,
            layer=layer,
            reading=2 * self.moment() + (tensor == SUMS_BACK),
        )
        largest = float(np.abs(sums).max())
        if largest > 0:
            sums = analog.converted(sums, bits=self.analog.adc_bits, full_scale=largest)
        number = self.formats.accumulate
        return sums if number.name == "int32" else self.rounded(sums, number, tensor, layer)

    def predict(self, layer, z, a):
        """What ``layer`` makes of the layer below, whose states and activities are z and a."""
        u = self.crossbar(self.read[layer - 1], a, SUMS, layer)
        if self.network.bias:
            u = u + self.read[self.network.layers + layer - 1][:, None]
        u = u * self.real(self.network.scales[layer - 1])
        if self.network.skipped[layer - 1]:
            u = u + z
        return self.state(u, PREDICTION, layer)

    def pull(self, layer, d):
        """What comes back to ``layer`` from d of the layer above, without its skip."""
        found = self.crossbar(self.transposed[layer].T, d, SUMS_BACK, layer + 1)
        return self.error(found * self.real(self.network.scales[layer]), PULL, layer)

    # --- passes ---

    def output_error(self, y, u):
        if self.network.loss == "mse":
            return self.error(y - u, ERROR, self.network.layers)
        raised = np.exp(u - u.max(axis=0))
        return self.error(y - raised / raised.sum(axis=0), ERROR, self.network.layers)

    def feed_forward(self, x):
        """u_1..u_L and a_0..a_{L-1}."""
        u, a = [], [x]
        for layer in self.layers:
            u.append(self.predict(layer, u[-1] if u else None, a[-1]))
            if layer < self.network.layers:
                a.append(self.activity(self.network.activation, u[-1], ACTIVITY, layer))
        return u, a

    def outputs(self, x):
        self.step = EVALUATING
        return self.feed_forward(x.T)[0][-1]

    def begin(self, x, y):
        """The feed-forward state, where z = p and e = 0."""
        self.step = 0
        self.u, self.a = self.feed_forward(x)
        self.p = [*(self.a[1:] if self.post else self.u[:-1]), self.u[-1]]
        self.z = [p.copy() for p in self.p[:-1]]
        self.y = y
        self.e = [*(np.zeros_like(z) for z in self.z), self.output_error(y, self.u[-1])]
        self.d = list(self.e)

    def read_error(self, layer, tensor=READ_ERROR):
        i = layer - 1
        self.d[i] = self.e[i]
        if self.post and layer < self.network.layers:
            name = self.network.activation
            self.d[i] = self.steep(name, self.e[i], self.p[i], tensor, layer)

    def repredict(self, layer, tensor=None):
        """u and p of a layer; its error too where a ``tensor`` says which."""
        i, last = layer - 1, layer == self.network.layers
        below = self.z[i - 1] if layer > 1 else None
        self.u[i] = self.p[i] = self.predict(layer, below, self.a[i])
        if self.post and not last:
            self.p[i] = self.activity(self.network.activation, self.u[i], OUTCOME, layer)
        if last:
            self.e[i] = self.d[i] = self.output_error(self.y, self.u[i])
        elif tensor is not None:
            self.e[i] = self.error(self.z[i] - self.p[i], tensor, layer)

    def slope(self, layer):
        """(what comes back times phi', the error less what comes by a skip)."""
        i = layer - 1
        back = self.pull(layer, self.d[i + 1])
        back = self.steep(self.on_states, back, self.a[layer], STEEP_PULL, layer)
        e = self.e[i] - self.d[i + 1] if self.network.skipped[layer] else self.e[i]
        return back, e

    def move(self, layer, rate):
        i = layer - 1
        back, e = self.slope(layer)
        self.settle(layer, self.z[i] - self.real(rate) * (e - back))

    def settle(self, layer, z, *, again=True):
        i = layer - 1
        self.z[i] = self.state(z, STATE, layer)
        if again:
            self.a[layer] = self.activity(self.on_states, self.z[i], ACTIVITY, layer)
        self.e[i] = self.error(self.z[i] - self.p[i], ERROR, layer)

    # --- rules: each leaves what the weights' step reads in a and d ---

    def jacobi(self, steps, rate, move=None):
        hidden = self.layers[:-1]
        for self.step in range(1, steps + 1):
            # Upwards: a layer's pull reads d above before that is replaced.
            for layer in self.layers:
                if layer > 1:
                    self.repredict(layer)
                if layer in hidden:
                    (move or self.move)(layer, rate)
                    self.read_error(layer)

    def sweeps(self, steps, rate, *, order):
        hidden = self.layers[:-1]
        halves = {
            "gauss_seidel": hidden[::-1],
            "red_black": [*hidden[::2], *hidden[1::2]],
        }[order]
        for self.step in range(1, steps + 1):
            for layer in halves:
                self.move(layer, rate)
                self.read_error(layer)
                self.repredict(layer + 1, ERROR_BELOW)
                if layer + 1 < self.network.layers:
                    self.read_error(layer + 1, READ_ERROR_BELOW)

    def descend(self, kind, momentum=0.0):
        """A ``move`` by momentum or Adam."""
        first, second = ([np.zeros_like(z) for z in self.z] for _ in range(2))
        real, number = self.real, self.formats.optimiser

        def move(layer, rate):
            i = layer - 1
            back, e = self.slope(layer)
            g = e - back
            if kind == "momentum":
                first[i] = g + real(momentum) * first[i]
                first[i] = self.rounded(first[i], number, STATE_FIRST, layer)
                self.settle(layer, self.z[i] - real(rate) * first[i])
                return
            self.adam(first, second, i, g)
            first[i] = self.rounded(first[i], number, STATE_FIRST, layer)
            second[i] = self.rounded(second[i], number, STATE_SECOND, layer)
            step = self.adam_step(first[i], second[i], self.step, rate)
            self.settle(layer, self.z[i] - step)

        return move

    def fixed(self, steps, rate, *, one_by_one=False):
        """fpa, or z_il; phi' of the feed-forward activities."""
        for self.step in range(1, steps + 1):
            front = max(1, self.network.layers - self.step)
            for layer in [front] if one_by_one else self.layers[:-1]:
                back, e = self.slope(layer)
                self.settle(layer, self.z[layer - 1] - self.real(rate) * (e - back), again=False)
                self.read_error(layer)

    def errors(self, steps, rate):
        """epc."""
        name, hidden = self.network.activation, self.layers[:-1]
        for self.step in range(1, steps + 1):
            above = self.e[-1]
            for layer in hidden[::-1]:
                i = layer - 1
                back = times_slope(self.on_states, self.pull(layer, above), self.a[layer])
                if self.network.skipped[layer]:
                    back = self.error(back + above, STEEP_PULL, layer)
                elif self.on_states not in EXACT_SLOPES:
                    back = self.error(back, STEEP_PULL, layer)
                moved = self.e[i] - self.real(rate) * (self.e[i] - back)
                self.e[i] = self.error(moved, ERROR, layer)
                above = back
                if self.post:
                    above = self.steep(name, back, self.p[i], READ_PULL, layer)
            for layer in hidden:
                i = layer - 1
                if layer > 1:
                    self.repredict(layer)
                elif self.post:
                    self.p[i] = self.activity(name, self.u[i], OUTCOME, layer)
                self.read_error(layer)
                self.z[i] = self.state(self.p[i] + self.e[i], STATE, layer)
                self.a[layer] = self.activity(self.on_states, self.z[i], ACTIVITY, layer)
            self.repredict(self.network.layers)

    def nudge(self, beta):
        u = self.u[-1]
        self.y = self.state(u - self.real(beta) * (u - self.y), TARGET, self.network.layers)
        self.e[-1] = self.d[-1] = self.output_error(self.y, u)

    def together(self, steps, rate, count, samples):
        """ipc."""
        for step in range(steps):
            inputs, errors = list(self.a), list(self.d)
            self.step = step + 1
            for layer in self.layers[:-1]:
                self.move(layer, rate)
            self.learn(inputs, errors, count + step + 1, samples)
            for layer in self.layers:
                self.repredict(layer, ERROR_BELOW)
                self.read_error(layer)

    def backward(self, x, y):
        self.step = 0
        u, self.a = self.feed_forward(x)
        self.d = [self.output_error(y, u[-1])]
        name = self.network.activation
        for layer in self.layers[-2::-1]:
            found = times_slope(name, self.pull(layer, self.d[0]), self.a[layer])
            if self.network.skipped[layer]:
                found = self.error(found + self.d[0], ERROR, layer)
            elif name not in EXACT_SLOPES:
                found = self.error(found, ERROR, layer)
            self.d.insert(0, found)

    # --- weights ---

    def adam(self, first, second, i, g):
        real = self.real
        first[i] = real(0.9) * first[i] + real(1 - 0.9) * g
        second[i] = real(0.999) * second[i] + real(1 - 0.999) * (g * g)

    def adam_step(self, first, second, count, rate):
        real = self.real
        root = np.sqrt(second * real(1 / (1 - 0.999**count))) + real(1e-8)
        return real(rate) * (first * real(1 / (1 - 0.9**count))) / root

    def learn(self, inputs, errors, count, samples, beta=1.0):
        """The ``count``-th step of all weights, from 1 on."""
        gradients = [
            self.product(d, a.T, GRADIENT, i)
            for i, (d, a) in enumerate(zip(errors, inputs, strict=True), 1)
        ]
        if self.network.bias:
            ones = np.ones((samples, 1), self.real)
            for i, d in enumerate(errors, self.network.layers + 1):
                gradients.append(self.product(d, ones, GRADIENT, i)[:, 0])
        now, self.step, self.update = (self.step, self.update), LEARNING, count
        scales = self.network.scales * 2
        for i, product in enumerate(gradients):
            g = self.real(-1.0 / samples / beta * scales[i]) * product
            self.step_one(i, g, count)
        self.write(count)
        self.step, self.update = now

    def step_one(self, i, g, count):
        how, number, real = self.optimiser, self.formats.optimiser, self.real
        moments = {"axis": -1}
        if how.kind == "adamw":
            self.weights[i] = self.weights[i] * real(1 - how.rate * how.weight_decay)
        if how.kind in ("adam", "adamw"):
            self.adam(self.first, self.second, i, g)
            self.first[i] = self.rounded(self.first[i], number, FIRST, i + 1, **moments)
            self.second[i] = self.rounded(self.second[i], number, SECOND, i + 1, **moments)
            step = self.adam_step(self.first[i], self.second[i], count, how.rate)
        elif how.kind == "momentum":
            self.first[i] = real(how.momentum) * self.first[i] + g
            self.first[i] = self.rounded(self.first[i], number, FIRST, i + 1, **moments)
            step = real(how.rate) * self.first[i]
        else:
            step = real(how.rate) * g
        moved = self.weights[i] - step
        self.weights[i] = self.rounded(moved, self.formats.updated, UPDATED, i + 1, axis=-1)

    def write(self, count):
        """What products read after the ``count``-th step: ``read`` and, through W^T, ``transposed``."""
        self.update, self.step = count, LEARNING
        if self.formats.master is None:
            self.read = self.weights
        else:
            self.read = [
                self.rounded(w, self.formats.weight, READ, i, axis=-1)
                for i, w in enumerate(self.weights, 1)
            ]
        self.transposed = self.read
        if not self.analog:
            return
        largest = [float(np.abs(w).max()) for w in self.read]
        for i in range(self.network.layers):
            noise = {"seed": self.seed, "layer": i + 1}
            deviation = self.analog.write_noise * largest[i]
            self.read[i] = analog.written(self.read[i], deviation=deviation, update=count, **noise)
        self.transposed = list(self.read)
        for i in range(self.network.layers):
            deviation = self.analog.mismatch * float(np.abs(self.read[i]).max())
            self.transposed[i] = analog.seen_transposed(
                self.read[i], deviation=deviation, seed=self.seed, layer=i + 1
            )
