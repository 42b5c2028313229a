"""How long one update takes when nothing is shared: one layer per tile, links without contention.

The dependencies of a Jacobi step form a timed event graph: with d_l(t) the time at which e_l of step t
is ready on tile l,

    d_l(t) = error_l + max(state_l(t), forward_l + max(state_{l-1}(t) + hop, d_l(t-1) + backward_l))
    state_l(t) = update_l + max(d_{l+1}(t-1) + backward_{l+1} + hop, d_l(t-1))

where the array of tile l first finishes its own backward product. All durations in cycles, lists
indexed by layer - 1. With unit products and everything else 0 this is L + 2T + 1 for PC and 2L for BP.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def jacobi_makespan(
    forward: Sequence[int],
    backward: Sequence[int],
    gradient: Sequence[int],
    *,
    steps: int,
    wavefront: bool,
    update: Sequence[int] | None = None,
    error: Sequence[int] | None = None,
    hop: int = 0,
) -> int:
    """Cycles of one update of Jacobi PC from a feed-forward start, first-layer prediction hoisted.

    ``update`` is the time of a state update (L - 1 entries are used), ``error`` of an error (L entries).
    With ``wavefront`` step t leaves out the products of layers l <= L - t and the errors below L - t, and
    layers below L - T are not learned.
    """
    depth = len(forward)
    update = update or [0] * depth
    error = error or [0] * depth
    ready, time = [], 0
    for layer in range(depth):
        time += forward[layer] + (hop if layer else 0)
        ready.append(time + error[layer])
    for step in range(1, steps + 1):
        lowest = max(1, depth - step) if wavefront else 1  # first layer (from 0) whose W_l is used
        fed_back = [ready[k] + backward[k] if k >= lowest else ready[k] for k in range(depth)]
        moved = {
            layer: update[layer] + max(fed_back[layer + 1] + hop, ready[layer])
            for layer in range(lowest - 1, depth - 1)
        }
        following = list(ready)
        for layer in range(lowest - 1, depth):
            after = [moved[layer]] if layer in moved else []
            if layer >= lowest:
                after.append(forward[layer] + max(moved[layer - 1] + hop, fed_back[layer]))
            following[layer] = error[layer] + max(after, default=ready[layer])
        ready = following
    learned = range(max(0, depth - 1 - steps) if wavefront else 0, depth)
    return max(ready[layer] + gradient[layer] for layer in learned)


def jacobi_step_cycles(
    forward: Sequence[int],
    backward: Sequence[int],
    *,
    update: Sequence[int] | None = None,
    error: Sequence[int] | None = None,
    hop: int = 0,
) -> Fraction:
    """Cycles of one step of Jacobi PC in the long run: the largest mean over the cycles of the event graph.

    The graph is a chain in both directions, whose only elementary cycles are a layer with itself and two
    neighbours with each other, of which only these can be longest:

        forward_l + backward_l + update_{l-1} + error_l + 2 hop
        (forward_l + backward_l + 2 update_{l-1} + error_{l-1} + error_l + 2 hop) / 2    l = 2..L

    The first layer's products do not occur. How soon steps take that long is left out: it may be after
    many (Cohen et al. 1985).
    """
    depth = len(forward)
    update = update or [0] * depth
    error = error or [0] * depth
    means = []
    for layer in range(1, depth):
        there_and_back = forward[layer] + backward[layer] + 2 * hop + error[layer]
        means.append(Fraction(there_and_back + update[layer - 1]))
        both = there_and_back + 2 * update[layer - 1] + error[layer - 1]
        means.append(Fraction(both, 2))
    return max(means)


def backpropagation_makespan(
    forward: Sequence[int],
    backward: Sequence[int],
    gradient: Sequence[int],
    *,
    delta: Sequence[int] | None = None,
    loss: int = 0,
    hop: int = 0,
) -> int:
    """Cycles of one update of sequential BP: each tile runs its backward product, then its gradient.

    ``delta`` is the time of the multiplication by phi' (L - 1 entries), ``loss`` of the output error.
    """
    depth = len(forward)
    delta = delta or [0] * depth
    ready = sum(forward) + (depth - 1) * hop + loss
    ends = []
    for layer in range(depth - 1, -1, -1):
        passed = ready + (backward[layer] if layer else 0)
        ends.append(passed + gradient[layer])
        if layer:
            ready = passed + hop + delta[layer - 1]
    return max(ends)


def jacobi_slots(depth: int, steps: int) -> int:
    """L + 2T + 1: feed-forward, T times feedback and prediction, one gradient."""
    return depth + 2 * steps + 1


def backpropagation_slots(depth: int) -> int:
    """2L: L forward, L - 1 backward, one last gradient; the others overlap."""
    return 2 * depth


def gauss_seidel_slots(depth: int, steps: int) -> int:
    """2L + 2T - 1: the first pass climbs down as backpropagation does, each later one trails it by two slots."""
    return 2 * depth + 2 * steps - 1


def red_black_slots(depth: int, steps: int) -> int:
    """L + 4T + 1 with two layers on a tile, or with a barrier after each half step: two halves of two products."""
    return depth + 4 * steps + 1


def incremental_slots(depth: int, steps: int, *, own_gradient_array: bool = False) -> int:
    """L + 3T - 1: feedback, gradient and prediction take turns; L + 2T - 1 where gradients have their own array."""
    return depth + (2 if own_gradient_array else 3) * steps - 1


def fixed_prediction_slots(depth: int, steps: int) -> int:
    """L + T + 1: feedback alone in every step."""
    return depth + steps + 1


def error_optimisation_slots(depth: int, steps: int) -> int:
    """L + 2T (L - 1) + 1: each step goes down through all layers and up again, one after the other."""
    return depth + 2 * steps * (depth - 1) + 1
