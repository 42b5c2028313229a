"""Neighbour: links only between tiles that follow one another on the snake.

Layers are placed along the snake, so this is the least that a chain of layers needs. Anything else goes
from neighbour to neighbour, hop by hop.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pcsim.placement.snake import snake
from pcsim.placement.topologies.mesh import towards
from pcsim.placement.topologies.topology import Routed


class Neighbour(Routed):
    @cached_property
    def order(self) -> tuple[int, ...]:
        """The tiles along the snake."""
        return snake(self.rows, self.columns)

    @cached_property
    def place(self) -> dict[int, int]:
        """The place of each tile in that order."""
        return {tile: place for place, tile in enumerate(self.order)}

    @property
    def links(self) -> int:
        return 2 * (self.tiles - 1)

    def path(self, source: int, target: int) -> Sequence[int]:
        passed = towards(self.place[source], self.place[target])
        return [source, *(self.order[place] for place in passed)]
