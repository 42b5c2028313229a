"""Torus: a mesh whose rows and columns are closed to rings.

A route takes the shorter way round, along the row first; of two equally long ways it takes the one without
the wrap-around. The tiles lie as in a mesh, so a wrap-around wire is as long as its row or column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pcsim.placement.topologies.mesh import towards
from pcsim.placement.topologies.topology import Routed


def around(source: int, target: int, size: int) -> Iterable[int]:
    """The numbers behind ``source`` up to ``target`` on a ring of ``size``, the shorter way round."""
    distance = target - source
    if 2 * abs(distance) <= size:
        return towards(source, target)
    unrolled = target - size if distance > 0 else target + size
    return (passed % size for passed in towards(source, unrolled))


def closed(size: int) -> int:
    """Links of a ring of ``size``, in both directions; of two that are the same neighbours one is enough."""
    return 2 * size if size > 2 else 2 * (size - 1)


class Torus(Routed):
    @property
    def links(self) -> int:
        return self.rows * closed(self.columns) + self.columns * closed(self.rows)

    def path(self, source: int, target: int) -> Sequence[int]:
        row, column = divmod(source, self.columns)
        last_row, last_column = divmod(target, self.columns)
        along = around(column, last_column, self.columns)
        down = around(row, last_row, self.rows)
        return [
            source,
            *(row * self.columns + passed for passed in along),
            *(passed * self.columns + last_column for passed in down),
        ]

    def length(self, here: int, there: int) -> int:
        (row, column), (to_row, to_column) = divmod(here, self.columns), divmod(there, self.columns)
        return abs(row - to_row) + abs(column - to_column)
