"""Which layers' weights does a tile hold when they stream through it? Those used last, as many as there is room for.

What is loaded and what is pushed out depends on the order of use alone, never on time.
"""

from __future__ import annotations

from collections import OrderedDict


class Window:
    """Room for the weights of some layers, least recently used out first.

    Its life: ``use`` for every use in turn; what it returns must have been used for the last time
    before its place is taken.
    """

    def __init__(self, size_bytes: int) -> None:
        self.room_bytes = size_bytes
        self.held: OrderedDict[int, int] = OrderedDict()

    def use(self, layer: int, size_bytes: int) -> list[int] | None:
        """None if ``layer`` is there; else it is loaded, and the layers pushed out are returned."""
        if layer in self.held:
            self.held.move_to_end(layer)
            return None
        out = []
        while self.room_bytes < size_bytes:
            oldest, freed = self.held.popitem(last=False)
            self.room_bytes += freed
            out.append(oldest)
        self.held[layer] = size_bytes
        self.room_bytes -= size_bytes
        return out
