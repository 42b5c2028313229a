"""Mesh: each router is linked to its four neighbours; XY routes go along the row first, then along the column."""

from __future__ import annotations

from collections.abc import Sequence

from pcsim.placement.topologies.topology import Routed


def towards(source: int, target: int) -> range:
    """The numbers behind ``source`` up to ``target``, in order."""
    step = 1 if target > source else -1
    return range(source + step, target + step, step) if source != target else range(0)


class Mesh(Routed):
    @property
    def links(self) -> int:
        return 2 * (self.rows * (self.columns - 1) + self.columns * (self.rows - 1))

    def path(self, source: int, target: int) -> Sequence[int]:
        row, column = divmod(source, self.columns)
        last_row, last_column = divmod(target, self.columns)
        along = [row * self.columns + passed for passed in towards(column, last_column)]
        down = [passed * self.columns + last_column for passed in towards(row, last_row)]
        return [source, *along, *down]
