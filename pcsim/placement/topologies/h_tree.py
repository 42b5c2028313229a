"""H-tree: a tree of switches in which every switch of level m joins the four blocks of 2^(m - 1) x 2^(m - 1) tiles
below it.

A transfer climbs to the lowest switch above both ends and down again: 2 m hops where that is of level m. A wire
between levels m - 1 and m is 2^(m - 1) distances from tile to tile long (half a block across and half a block
down), so the way from corner to corner is as long as in a mesh. At the edges of a chip whose sides are no
powers of two blocks are smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pcsim.placement.topologies.topology import Routed


class HTree(Routed):
    @property
    def levels(self) -> int:
        """Of switches above the tiles' own routers."""
        return (max(self.rows, self.columns) - 1).bit_length()

    @cached_property
    def first_switch(self) -> tuple[int, ...]:
        """The number of the first switch of each level; that of level 0 is the first tile's router."""
        numbers, following = [0], self.nodes
        for level in range(1, self.levels + 1):
            numbers.append(following)
            following += self._across(self.rows, level) * self._across(self.columns, level)
        return (*numbers, following)

    @property
    def routers(self) -> int:
        return self.tiles + self.first_switch[-1] - self.nodes

    @property
    def links(self) -> int:
        return 2 * (self.routers - 1)

    def path(self, source: int, target: int) -> Sequence[int]:
        level, up, down = 0, [source], [target]
        while up[-1] != down[-1]:
            level += 1
            up.append(self._above(source, level))
            down.append(self._above(target, level))
        return [*up, *reversed(down[:-1])]

    def length(self, here: int, there: int) -> int:
        return 1 << min(self._level(here), self._level(there))

    def _level(self, router: int) -> int:
        if router < self.tiles:
            return 0
        return max(
            level for level in range(1, self.levels + 1) if router >= self.first_switch[level]
        )

    def _above(self, tile: int, level: int) -> int:
        """The switch of ``level`` above a tile."""
        row, column = divmod(tile, self.columns)
        across = self._across(self.columns, level)
        return self.first_switch[level] + (row >> level) * across + (column >> level)

    @staticmethod
    def _across(side: int, level: int) -> int:
        """Blocks of ``level`` along a side of so many tiles."""
        return (side - 1 >> level) + 1
