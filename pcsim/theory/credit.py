"""How far down a chain do errors reach in so many inference steps? Closed forms for what the graph tells."""

from __future__ import annotations


def credited(layers: int, variant: str, order: str, steps: int) -> int:
    """How many of ``layers`` weight layers, from the output down, receive a gradient.

    From a feed-forward start errors climb one layer a step (jacobi, fpa), two (red_black; one less in
    all where the number of layers is odd, as the first half step then moves none), or all in one pass
    (gauss_seidel, epc). ipc learns before its last step has moved anything. z_il reaches all by design.
    """
    if variant == "z_il":
        return layers
    if variant == "epc" or (variant == "pc" and order == "gauss_seidel"):
        return layers if steps else 1
    if variant == "ipc":
        return min(layers, max(1, steps))
    if variant == "pc" and order == "red_black":
        return min(layers, 1 + 2 * steps - (layers % 2 and steps > 0))
    return min(layers, steps + 1)
