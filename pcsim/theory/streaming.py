"""How often are weights loaded where a memory holds only those of G layers, least recently used out first?

Visits are of weight layers, in the order in which the steps of inference use them after a feed-forward pass up
through all layers. One visit of layer l is everything W_l is for in one step. Left out: the update, which
finds or loads its weights once more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator


def loads(visits: Iterable[int], room: int) -> int:
    """Loads of a sequence of layers through room for ``room`` of them, empty at first."""
    held: OrderedDict[int, None] = OrderedDict()
    count = 0
    for layer in visits:
        count += layer not in held
        held[layer] = None
        held.move_to_end(layer)
        if len(held) > room:
            held.popitem(last=False)
    return count


def feed_forward_visits(layers: int) -> Iterator[int]:
    """1 .. L."""
    yield from range(1, layers + 1)


def jacobi_visits(layers: int, steps: int) -> Iterator[int]:
    """Layer by layer: from the top down to layer 2, once a step."""
    for _ in range(steps):
        yield from range(layers, 1, -1)


def skewed_visits(layers: int, steps: int, window: int) -> Iterator[int]:
    """Parallelograms: ``window`` neighbouring layers through all steps, one layer lower each step, then the next.

    A visit in step t needs those of the layer and its two neighbours in step t - 1, which came before.
    """
    stencil = range(layers - 1)
    for begin in range(0, layers - 1 + steps, window):
        for step in range(steps):
            for within in reversed(range(window)):
                if begin - step + within in stencil:
                    yield begin - step + within + 2


def gauss_seidel_visits(layers: int, steps: int) -> Iterator[int]:
    """Passes from the top down that follow one another at a distance of one layer."""
    for time in range(layers - 2 + steps):
        for behind in range(steps):
            if 2 <= (layer := layers - time + behind) <= layers:
                yield layer


def jacobi_loads(layers: int, steps: int, room: int) -> int:
    """L + T (L - 1) - G with the feed-forward pass, for T >= 1: a step finds only what the last pass left at its
    turning point. From G = L - 1 on every layer is loaded once: the cliff."""
    return layers if room >= layers - 1 else layers + steps * (layers - 1) - room


def skewed_loads(layers: int, steps: int, window: int) -> float:
    """(L - 1) (1 + (T - 1) / G) of inference alone, with room for the window G < L - 1; about L T / G + L.

    A parallelogram touches G + T - 1 layers, and (L - 1) / G of them cover all. Left out: what is cut off at
    the edges, at most G loads.
    """
    return (layers - 1) * (1 + (steps - 1) / window)


def gauss_seidel_loads(layers: int, steps: int, room: int) -> int | None:
    """2L - 1 - G with the feed-forward pass where G >= T + 1: all passes go through the weights once, together.

    None where there is less room.
    """
    return 2 * layers - 1 - min(room, layers - 1) if room > steps else None


def backpropagation_loads(layers: int, room: int) -> int:
    """2L - G: up through all layers and down again, the updates included."""
    return 2 * layers - min(room, layers)
