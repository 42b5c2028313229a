"""How many operations one weight update costs, in closed form.

Notation: n_0..n_L widths, P = sum n_{l-1} n_l over the L weight layers, P_1 = n_0 n_1, N_h = n_1 + .. +
n_{L-1} hidden units, N_e = N_h + n_L, B batch, T inference steps. All counts are exact integers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """Operations of one weight update.

    ``forward``, ``backward``, ``gradient`` are multiply-accumulates of the three products;
    ``activation``, ``derivative``, ``error``, ``state`` elementwise operations (``state``: the three of
    a state update, or BP's one multiplication by phi'); ``parameters`` weights changed;
    ``exchanged_words`` words sent between neighbouring layers.
    """

    forward: int
    backward: int
    gradient: int
    activation: int
    derivative: int
    error: int
    state: int
    parameters: int
    exchanged_words: int

    @property
    def macs(self) -> int:
        return self.forward + self.backward + self.gradient


def _products(widths: Sequence[int]) -> list[int]:
    return [n_in * n_out for n_in, n_out in itertools.pairwise(widths)]


def backpropagation_counts(widths: Sequence[int], batch: int) -> Counts:
    """3P - P_1 multiply-accumulates per sample: the first layer passes nothing down."""
    sizes = _products(widths)
    total, hidden = sum(sizes), sum(widths[1:-1])
    return Counts(
        forward=batch * total,
        backward=batch * (total - sizes[0]),
        gradient=batch * total,
        activation=batch * hidden,
        derivative=batch * hidden,
        error=batch * widths[-1],
        state=batch * hidden,
        parameters=total,
        exchanged_words=2 * batch * hidden,
    )


def predictive_coding_counts(
    widths: Sequence[int], batch: int, *, steps: int, wavefront: bool, hoist: bool = True
) -> Counts:
    """Jacobi PC from a feed-forward start: 2P + 2T(P - P_1) per sample, hoisted, no wavefront.

    With the wavefront, step t uses only W_l with l > L - t, updates the states below them, and only
    layers l >= L - T are learned; uniform layers and T >= L - 1 then take p (L-1)(T + 1 - L/2) for each
    of the two products.
    """
    sizes = _products(widths)
    depth, total = len(sizes), sum(sizes)
    products = moved = 0
    for step in range(1, steps + 1):
        lowest = max(2, depth - step + 1) if wavefront else 2
        products += sum(sizes[lowest - 1 :])
        moved += sum(widths[lowest - 1 : depth])
    learned = [
        size for layer, size in enumerate(sizes, start=1) if not wavefront or layer >= depth - steps
    ]
    hidden = sum(widths[1:-1])
    return Counts(
        forward=batch * (total + products + (0 if hoist else steps * sizes[0])),
        backward=batch * products,
        gradient=batch * sum(learned),
        activation=batch * (hidden + moved),
        derivative=batch * moved,
        error=batch * (hidden + widths[-1] + moved + steps * widths[-1]),
        state=3 * batch * moved,
        parameters=sum(learned),
        exchanged_words=batch * (hidden + 2 * moved),
    )


def incremental_counts(widths: Sequence[int], batch: int, *, steps: int) -> Counts:
    """ipc: T (3P - P_1) per sample, exactly T times backpropagation; the weights are updated T times.

    The predictions after the last step are left out, and with them phi of its states; z itself still moves.
    """
    sizes = _products(widths)
    total, hidden = sum(sizes), sum(widths[1:-1])
    return Counts(
        forward=batch * steps * total,
        backward=batch * steps * (total - sizes[0]),
        gradient=batch * steps * total,
        activation=batch * steps * hidden,
        derivative=batch * steps * hidden,
        error=batch * steps * (hidden + widths[-1]),
        state=3 * batch * steps * hidden,
        parameters=steps * total,
        exchanged_words=batch * hidden * 2 * steps,
    )


def fixed_prediction_counts(widths: Sequence[int], batch: int, *, steps: int) -> Counts:
    """fpa without a wavefront: 2P + T (P - P_1) per sample; states are not sent up again."""
    sizes = _products(widths)
    total, hidden = sum(sizes), sum(widths[1:-1])
    return Counts(
        forward=batch * total,
        backward=batch * steps * (total - sizes[0]),
        gradient=batch * total,
        activation=batch * hidden,
        derivative=batch * steps * hidden,
        error=batch * (hidden * (1 + steps) + widths[-1]),
        state=3 * batch * steps * hidden,
        parameters=total,
        exchanged_words=batch * hidden * (1 + steps),
    )
