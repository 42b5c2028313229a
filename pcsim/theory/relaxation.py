"""How fast do states reach equilibrium when layers move all at once, one after another, or in turns?

jacobi: all layers at once. gauss_seidel: from the top down, each from its newest neighbours.
red_black: odd layers, then even ones. A layer moves by -step times its gradient per sample. In a residual
network of small scales H is nearly tridiag(-1, 2, -1) over depth, so that a step of omega/2 relaxes by omega
and Young's theory (1954) says how many steps each order needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from pcsim.theory.energy import errors, feed_forward, layer_energies, prediction, pulled_back
from pcsim.theory.linear import activity_hessian
from pcsim.theory.networks import Arrays, ReferenceNetwork

Order = Literal["jacobi", "gauss_seidel", "red_black"]
ORDERS: tuple[Order, ...] = ("jacobi", "red_black", "gauss_seidel")


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Hidden states z_1..z_{L-1} and errors e_1..e_L after some steps."""

    states: Arrays
    errors: Arrays

    @property
    def energies(self) -> np.ndarray:
        """Each layer's share of F, (L,)."""
        return layer_energies(self.errors)

    @property
    def energy(self) -> float:
        """F."""
        return float(self.energies.sum())


def groups(order: Order, layers: int) -> list[list[int]]:
    """Which hidden layers move together within one step, in the order in which they do."""
    hidden = list(range(1, layers))
    if order == "jacobi":
        return [hidden]
    if order == "red_black":
        return [hidden[0::2], hidden[1::2]]
    return [[layer] for layer in reversed(hidden)]


def relaxing(
    network: ReferenceNetwork, x: np.ndarray, y: np.ndarray, *, order: Order, step: float
) -> Iterator[Relaxed]:
    """The feed-forward start, then what is reached after 1, 2, .. steps, without end."""
    z = [x, *feed_forward(network, x)[0], y]
    e = [x, *errors(network, x, y, z[1:-1])]  # e[0] stands for nothing: layers count from 1.
    together = groups(order, network.layers)
    while True:
        yield Relaxed(tuple(z[1:-1]), tuple(e[1:]))
        for group in together:
            pulls = [pulled_back(network, e[k + 1], z[k], layer=k + 1) for k in group]
            for layer, pull in zip(group, pulls, strict=True):
                z[layer] = z[layer] - step * (e[layer] - pull)
            for layer in sorted({*group, *(k + 1 for k in group)}):
                e[layer] = z[layer] - prediction(network, z[layer - 1], layer=layer)


def relax(
    network: ReferenceNetwork,
    x: np.ndarray,
    y: np.ndarray,
    *,
    order: Order,
    step: float,
    steps: int,
) -> Relaxed:
    """What is reached after ``steps`` steps from the feed-forward start."""
    return next(islice(relaxing(network, x, y, order=order, step=step), steps, None))


def gap(energy: float, *, start: float, end: float) -> float:
    """How much of the way from F at the start to F* is left: 1 at first, 0 at equilibrium."""
    return (energy - end) / (start - end)


def iteration_matrix(
    network: ReferenceNetwork, *, order: Order, step: float, solve: bool = False
) -> np.ndarray:
    """What one step multiplies z - z* with, in a linear network, (sum n_l, sum n_l).

    With ``solve`` a layer moves by -``step`` H_ll^-1 times its gradient instead: ``step`` is then the
    relaxation factor omega of block (successive) over-relaxation.
    """
    hessian = activity_hessian(network)
    ends = np.cumsum([0, *network.hidden_widths])
    size = int(ends[-1])
    matrix = np.eye(size)
    for group in groups(order, network.layers):
        moved = np.zeros((size, size))
        for layer in group:
            block = slice(int(ends[layer - 1]), int(ends[layer]))
            pull = hessian[block]
            moved[block] = np.linalg.solve(hessian[block, block], pull) if solve else pull
        matrix = matrix - step * (moved @ matrix)
    return matrix


def spectral_radius(matrix: np.ndarray) -> float:
    """The factor by which the distance to equilibrium shrinks per step in the end."""
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def best_omega(jacobi_radius: float) -> float:
    """Young's relaxation factor: 2 / (1 + sqrt(1 - rho_J^2)), after which rho = omega - 1."""
    return float(2 / (1 + np.sqrt(1 - jacobi_radius**2)))


def chain_radius(layers: int, *, top: Literal["clamped", "free"]) -> float:
    """rho_J = cos(pi / m) of tridiag(-1, 2, -1) over the L - 1 hidden layers of a deep residual network.

    The input is clamped; the output's pull a_L = 1/N is weak, so that the top layer is nearly free: m = 2L - 1
    (its diagonal is 1), against m = L for a top that is held as firmly as the bottom.
    """
    return float(np.cos(np.pi / (layers if top == "clamped" else 2 * layers - 1)))


def chain_steps_in_slots(order: Order, layers: int, steps: int) -> int:
    """Products one after another in one update, a tile per layer, all products equal, nothing else counted.

    jacobi L + 2T + 1; gauss_seidel 2L + 2T - 1, steps following one another down the layers as a
    pipeline; red_black L + 4T + 1, each half of the layers waiting for the other.
    """
    if order == "gauss_seidel":
        return 2 * layers + 2 * steps - 1
    return layers + (2 if order == "jacobi" else 4) * steps + 1


def steps_until(
    trajectory: Iterator[Relaxed], *, start: float, end: float, gaps: Sequence[float], most: int
) -> dict[float, int | None]:
    """After how many steps the gap is first at or below each of ``gaps``; None where ``most`` do not do."""
    found: dict[float, int | None] = dict.fromkeys(gaps)
    for steps, relaxed in enumerate(islice(trajectory, most + 1)):
        left = gap(relaxed.energy, start=start, end=end)
        for target in gaps:
            if found[target] is None and left <= target:
                found[target] = steps
        if None not in found.values():
            break
    return found
