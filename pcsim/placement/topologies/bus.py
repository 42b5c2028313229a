"""Bus: one medium that all nodes share; one transfer at a time, and a multicast is one transfer.

Its wire is a comb, a spine along the first column with a tooth along every row: tiles - 1 distances from tile
to tile, the least that reaches all. Every byte drives all of it. A head takes as long as the longest way on
the comb. One arbiter counts as one router. Left out: the time in which the medium changes hands.
"""

from __future__ import annotations

from collections.abc import Iterable

from pcsim.placement.routes import Link, Route
from pcsim.placement.topologies.topology import Topology


class Bus(Topology):
    @property
    def routers(self) -> int:
        return 1

    @property
    def links(self) -> int:
        return 1

    @property
    def span(self) -> int:
        """The longest way on the comb, from tip to tip."""
        teeth = 2 if self.rows > 1 else 1
        return self.rows - 1 + teeth * (self.columns - 1)

    def route(self, source: int, targets: Iterable[int]) -> Route:
        wanted = tuple(sorted(set(targets)))
        medium = self.nodes
        ports = tuple(Link("eject", medium, target) for target in wanted)
        return Route(
            source,
            wanted,
            (Link("inject", source, medium), Link("bus", medium, medium), *ports),
            hops=(0, 0, *(1 for _ in ports)),
            wires=(0, 0, *(self.span for _ in ports)),
            edges=1,
            wire=self.tiles - 1,
            depth=1,
            routers=1,
        )
