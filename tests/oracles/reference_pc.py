"""An independent, plain version of what the engine computes: whole batches, no blocks, nothing skipped."""

from dataclasses import replace

import numpy as np


def gelu(z):
    return 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


def gelu_slope(z, step=1e-5):
    """By central differences of fourth order: an error of about 1e-11."""
    near, far = gelu(z + step * 20) - gelu(z - step * 20), gelu(z + step * 40) - gelu(z - step * 40)
    return (8 * near - far) / (12 * step * 20)


ACTIVATIONS = {
    "linear": (lambda z: z, lambda z: np.ones_like(z)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
    "leaky_relu": (
        lambda z: np.where(z > 0, z, 0.01 * z),
        lambda z: np.where(z > 0, 1.0, 0.01).astype(z.dtype),
    ),
    "gelu": (gelu, gelu_slope),
}


def log_softmax(p):
    shifted = p - p.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def affine(network, weights, below):
    """a_l (W_l below_l + b_l) for each layer, of the arrays ``below`` that there are."""
    biases = weights[network.layers :] if network.bias else [0.0] * network.layers
    return [
        a * (x @ w.T + b)
        for a, x, w, b in zip(
            network.scales, below, weights[: network.layers], biases, strict=False
        )
    ]


def before(network, weights, x, z):
    """With placement post, u_1..u_L from which the predictions phi(u_l) come."""
    return affine(network, weights, [x, *z])


def predictions(network, weights, x, z):
    """p_1..p_L, or as many as the hidden states z_1.. allow."""
    phi, _ = ACTIVATIONS[network.activation]
    if network.placement == "post":
        u = before(network, weights, x, z)
        return [phi(v) if layer < network.layers else v for layer, v in enumerate(u, 1)]
    p = affine(network, weights, [x, *(phi(state) for state in z)])
    return [q + z[i - 1] if network.skipped[i] else q for i, q in enumerate(p)]


def feed_forward(network, weights, x):
    """z_1..z_{L-1} and the output."""
    z = []
    for _ in range(network.layers - 1):
        z.append(predictions(network, weights, x, z)[-1])
    return z, predictions(network, weights, x, z)[-1]


def energies(network, weights, x, y, z):
    """The layers' shares of F, means over the batch."""
    p = predictions(network, weights, x, z)
    shares = [0.5 * np.sum((state - q) ** 2) for state, q in zip(z, p[:-1], strict=True)]
    if network.loss == "mse":
        shares.append(0.5 * np.sum((y - p[-1]) ** 2))
    else:
        shares.append(-np.sum(y * log_softmax(p[-1])))
    return np.array(shares) / len(x)


def errors(network, weights, x, y, z):
    """e_1..e_L."""
    p = predictions(network, weights, x, z)
    output = p[-1] if network.loss == "mse" else np.exp(log_softmax(p[-1]))
    return [state - q for state, q in zip(z, p[:-1], strict=True)] + [y - output]


def read_errors(network, weights, x, y, z):
    """d_1..d_L, what products read: the errors, with placement post times phi'(u)."""
    e = errors(network, weights, x, y, z)
    if network.placement == "pre":
        return e
    _, slope = ACTIVATIONS[network.activation]
    u = before(network, weights, x, z)
    return [*(error * slope(v) for error, v in zip(e[:-1], u, strict=False)), e[-1]]


def slopes(network, weights, x, y, z):
    """dF/dz_1..dF/dz_{L-1} of one sample's F."""
    _, slope = ACTIVATIONS[network.activation]
    e, d = (f(network, weights, x, y, z) for f in (errors, read_errors))
    found = []
    for i, state in enumerate(z):
        pull = network.scales[i + 1] * (d[i + 1] @ weights[i + 1])
        if network.placement == "pre":
            pull = pull * slope(state)
        found.append(e[i] - pull - (d[i + 1] if network.skipped[i + 1] else 0))
    return found


def relax(network, weights, x, y, *, steps, rate):
    """The hidden states after ``steps`` synchronous steps from the feed-forward start."""
    z, _ = feed_forward(network, weights, x)
    for _ in range(steps):
        moves = slopes(network, weights, x, y, z)
        z = [state - rate * move for state, move in zip(z, moves, strict=True)]
    return z


def gradients(network, weights, x, y, z):
    """dF/dW_1..dF/dW_L, then dF/db_1..dF/db_L where there are biases."""
    phi, _ = ACTIVATIONS[network.activation]
    inputs = [x, *(z if network.placement == "post" else map(phi, z))]
    return _scaled(network, read_errors(network, weights, x, y, z), inputs, len(x))


def _scaled(network, d, inputs, samples):
    by_weights = [
        -a / samples * (error.T @ below)
        for a, error, below in zip(network.scales, d, inputs, strict=True)
    ]
    if not network.bias:
        return by_weights
    return by_weights + [
        -a / samples * error.sum(axis=0) for a, error in zip(network.scales, d, strict=True)
    ]


def back_gradients(network, weights, x, y):
    """dLoss/dW_1..dLoss/dW_L, and by the biases, by the chain rule."""
    phi, slope = ACTIVATIONS[network.activation]
    network = replace(network, placement="pre")  # the same function of x
    z, _ = feed_forward(network, weights, x)
    d = [errors(network, weights, x, y, z)[-1]]
    for layer in range(network.layers - 1, 0, -1):
        below = network.scales[layer] * (d[0] @ weights[layer]) * slope(z[layer - 1])
        d.insert(0, below + d[0] if network.skipped[layer] else below)
    return _scaled(network, d, [x, *map(phi, z)], len(x))
