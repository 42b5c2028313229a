"""Ring: the tiles along the snake, closed by a wire from the last to the first.

A transfer takes the shorter way round; of two equally long ways the one without the closing wire, which is
as long as the way between its ends along rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pcsim.placement.snake import snake
from pcsim.placement.topologies.topology import Routed
from pcsim.placement.topologies.torus import around, closed


class Ring(Routed):
    @cached_property
    def order(self) -> tuple[int, ...]:
        """The tiles in their order round the ring."""
        return snake(self.rows, self.columns)

    @cached_property
    def place(self) -> dict[int, int]:
        """The place of each tile in that order."""
        return {tile: place for place, tile in enumerate(self.order)}

    @property
    def links(self) -> int:
        return closed(self.tiles)

    def path(self, source: int, target: int) -> Sequence[int]:
        passed = around(self.place[source], self.place[target], self.tiles)
        return [source, *(self.order[place] for place in passed)]

    def length(self, here: int, there: int) -> int:
        (row, column), (to_row, to_column) = divmod(here, self.columns), divmod(there, self.columns)
        return abs(row - to_row) + abs(column - to_column)
