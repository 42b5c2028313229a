"""An independent, plain version of what the engine computes: whole batches, no blocks, nothing skipped."""

import numpy as np

ACTIVATIONS = {
    "linear": (lambda z: z, lambda z: np.ones_like(z)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
}


def log_softmax(p):
    shifted = p - p.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def predictions(network, weights, x, z):
    """p_1..p_L for the hidden states z_1..z_{L-1}."""
    phi, _ = ACTIVATIONS[network.activation]
    inputs = [x, *(phi(state) for state in z)]
    return [below @ w.T for below, w in zip(inputs, weights, strict=True)]


def feed_forward(network, weights, x):
    """z_1..z_{L-1} and the output."""
    z = []
    for _ in range(network.layers - 1):
        z.append(predictions(network, weights[: len(z) + 1], x, z)[-1])
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


def relax(network, weights, x, y, *, steps, rate):
    """The hidden states after ``steps`` synchronous steps from the feed-forward start."""
    _, slope = ACTIVATIONS[network.activation]
    z, _ = feed_forward(network, weights, x)
    for _ in range(steps):
        e = errors(network, weights, x, y, z)
        z = [
            state - rate * (e[i] - (e[i + 1] @ weights[i + 1]) * slope(state))
            for i, state in enumerate(z)
        ]
    return z


def gradients(network, weights, x, y, z):
    """dF/dW_1..dF/dW_L."""
    phi, _ = ACTIVATIONS[network.activation]
    inputs = [x, *(phi(state) for state in z)]
    e = errors(network, weights, x, y, z)
    return [-(a.T @ b) / len(x) for a, b in zip(e, inputs, strict=True)]


def back_gradients(network, weights, x, y):
    """dLoss/dW_1..dLoss/dW_L by the chain rule."""
    phi, slope = ACTIVATIONS[network.activation]
    z, _ = feed_forward(network, weights, x)
    delta = errors(network, weights, x, y, z)[-1]
    inputs, found = [x, *(phi(state) for state in z)], []
    for layer in range(network.layers - 1, -1, -1):
        found.insert(0, -(delta.T @ inputs[layer]) / len(x))
        if layer:
            delta = (delta @ weights[layer]) * slope(z[layer - 1])
    return found
