"""Where does inference end in a linear network, and how fast? Closed forms, residual and scaled networks too.

With M_l = a_l W_l + skip_l I, P_l = M_L .. M_l and r = y - P_1 x, the output's error at equilibrium is
u = S^-1 r, S = I + sum_{l=2..L} P_l P_l^T, that of layer l is P_{l+1}^T u, and the energy is the mean of
1/2 r^T u (Innocenti, Achour, Singh, Buckley 2024). W_1 does not enter S.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from pcsim.theory.networks import Arrays, ReferenceNetwork


def matrices(network: ReferenceNetwork) -> Arrays:
    """M_1..M_L.

    Raises ValueError for a network that is not linear.
    """
    if network.activation != "linear":
        raise ValueError(f"activation must be linear, not {network.activation!r}")
    return tuple(
        scale * weights + (np.eye(*weights.shape) if skip else 0.0)
        for weights, scale, skip in zip(network.weights, network.scales, network.skips, strict=True)
    )


def maps_to_output(network: ReferenceNetwork) -> Arrays:
    """P_1..P_{L+1}: ``[l - 1]`` maps a change of p_l to one of the output; P_{L+1} = I."""
    passed = [np.eye(len(network.weights[-1]))]
    for matrix in reversed(matrices(network)):
        passed.insert(0, passed[0] @ matrix)
    return tuple(passed)


def output_metric(network: ReferenceNetwork) -> np.ndarray:
    """S, (output, output): the covariance that the network, as a generative model, gives its output."""
    return sum(
        (down @ down.T for down in maps_to_output(network)[1:-1]),
        np.eye(len(network.weights[-1])),
    )


def equilibrium_errors(network: ReferenceNetwork, x: np.ndarray, y: np.ndarray) -> Arrays:
    """e_1..e_L at equilibrium: the residual, weighted by S^-1 and carried back to each layer."""
    down = maps_to_output(network)
    u = np.linalg.solve(output_metric(network), (y - x @ down[0].T).T).T
    return tuple(u @ passed for passed in down[1:])


def equilibrium(network: ReferenceNetwork, x: np.ndarray, y: np.ndarray) -> Arrays:
    """z*_1..z*_{L-1}: a forward pass to which each layer adds its error."""
    states = [x]
    e = equilibrium_errors(network, x, y)
    for matrix, error in zip(matrices(network)[:-1], e[:-1], strict=True):
        states.append(states[-1] @ matrix.T + error)
    return tuple(states[1:])


def equilibrated_energy(network: ReferenceNetwork, x: np.ndarray, y: np.ndarray) -> float:
    """F* = 1/(2B) sum r^T S^-1 r, the least energy over the states."""
    residual = y - x @ maps_to_output(network)[0].T
    return 0.5 * float(np.vdot(residual, equilibrium_errors(network, x, y)[-1])) / len(x)


def equilibrated_gradients(network: ReferenceNetwork, x: np.ndarray, y: np.ndarray) -> Arrays:
    """The total derivatives dF*/dW_1..dF*/dW_L, from the closed form of F* alone.

    dF* = mean(u^T dr - 1/2 u^T dS u) gives dF*/dM_k = - mean P_{k+1}^T u (M_{k-1}..M_1 x +
    sum_{l=2..k} M_{k-1}..M_l P_l^T u)^T. The states appear nowhere; by the envelope theorem the partial
    derivatives at z* are the same.
    """
    down, m = maps_to_output(network), matrices(network)
    u = equilibrium_errors(network, x, y)[-1]
    found, carried = [], x
    for k in range(1, network.layers + 1):
        if k > 1:
            carried = carried @ m[k - 2].T + u @ down[k - 1]
        found.append(-network.scales[k - 1] / len(x) * (down[k].T @ u.T @ carried))
    return tuple(found)


def activity_hessian(network: ReferenceNetwork) -> np.ndarray:
    """H, the Hessian per sample of F by all hidden states, block tridiagonal (sum n_l, sum n_l).

    H_ll = I + M_{l+1}^T M_{l+1}, H_{l,l+1} = -M_{l+1}^T.
    """
    return hidden_hessian(network) + output_hessian(network)


def hidden_hessian(network: ReferenceNetwork) -> np.ndarray:
    """P, the Hessian of the hidden layers' terms: the Fisher information of the generative model."""
    m, blocks = matrices(network), _blocks(network)
    hessian = np.eye(blocks[-1].stop)
    for lower, upper, matrix in zip(blocks, blocks[1:], m[1:-1], strict=False):
        hessian[lower, lower] += matrix.T @ matrix
        hessian[lower, upper] = -matrix.T
        hessian[upper, lower] = -matrix
    return hessian


def output_hessian(network: ReferenceNetwork) -> np.ndarray:
    """G, the Hessian of the output's term: the loss's Gauss-Newton matrix, M_L^T M_L in the last block."""
    top, last = matrices(network)[-1], _blocks(network)[-1]
    hessian = np.zeros((last.stop, last.stop))
    hessian[last, last] = top.T @ top
    return hessian


def activity_offset(network: ReferenceNetwork, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """b of H z* = b, (samples, sum n_l): [M_1 x, 0, .., 0, M_L^T y], added up in one hidden layer."""
    m, blocks = matrices(network), _blocks(network)
    offset = np.zeros((len(x), blocks[-1].stop))
    offset[:, blocks[0]] += x @ m[0].T
    offset[:, blocks[-1]] += y @ m[-1]
    return offset


def trust_region_step(network: ReferenceNetwork, x: np.ndarray, y: np.ndarray) -> Arrays:
    """-(P + G)^-1 g by layer, g the gradient by the states at the feed-forward pass, per sample.

    It minimises the loss's Gauss-Newton model plus 1/2 d^T P d, a trust region in the metric of the
    generative model (Innocenti, Singh, Buckley 2023); linear networks take exactly this step to z*.
    """
    m = matrices(network)
    residual = y - x @ maps_to_output(network)[0].T
    gradient = np.zeros((len(x), _blocks(network)[-1].stop))
    gradient[:, _blocks(network)[-1]] = -residual @ m[-1]
    step = -np.linalg.solve(hidden_hessian(network) + output_hessian(network), gradient.T).T
    return by_layer(network, step)


def spectrum(network: ReferenceNetwork) -> np.ndarray:
    """Eigenvalues of H, ascending."""
    return np.linalg.eigvalsh(activity_hessian(network))


def condition_number(network: ReferenceNetwork) -> float:
    """lambda_max(H) / lambda_min(H)."""
    values = spectrum(network)
    return float(values[-1] / values[0])


def stability_limit(network: ReferenceNetwork) -> float:
    """2 / lambda_max(H): jacobi inference converges for smaller steps and no others."""
    return float(2 / spectrum(network)[-1])


def by_layer(network: ReferenceNetwork, joined: np.ndarray) -> Arrays:
    """(samples, sum n_l) cut into z_1..z_{L-1}."""
    return tuple(joined[:, block] for block in _blocks(network))


def _blocks(network: ReferenceNetwork) -> list[slice]:
    """Where z_1..z_{L-1} lie in a vector of all hidden states."""
    ends = np.cumsum([0, *network.hidden_widths])
    return [slice(int(begin), int(end)) for begin, end in pairwise(ends)]
