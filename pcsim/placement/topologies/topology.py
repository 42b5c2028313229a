"""What does the rest of the chip ask a network? Where nodes hang, and the route from one node to others.

Nodes 0 .. tiles - 1 are the tiles, row by row; the nodes behind them are the DRAM channels, each attached to
the router of one tile of the first column, whatever the topology, and then the global buffer, if there is one, on the
router in the middle of that column. Numbers from ``nodes`` on are switches or media without a node of their own.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pcsim.placement.routes import Link, Route


@dataclass(frozen=True)
class Topology(ABC):
    """``rows`` x ``columns`` tiles, ``channels`` DRAM channels, ``buffers`` (0 or 1) global buffers, and how
    they are connected."""

    rows: int
    columns: int
    channels: int
    buffers: int = 0

    @abstractmethod
    def route(self, source: int, targets: Iterable[int]) -> Route:
        """The way from node ``source`` to all nodes ``targets``, a tree where there are several."""

    @property
    @abstractmethod
    def routers(self) -> int:
        """How many routers the chip has, for their leakage and area."""

    @property
    @abstractmethod
    def links(self) -> int:
        """How many links there are between routers, each direction by itself; a shared medium is one."""

    @property
    def tiles(self) -> int:
        return self.rows * self.columns

    @property
    def nodes(self) -> int:
        return self.tiles + self.channels + self.buffers

    def dram_node(self, channel: int) -> int:
        return self.tiles + channel

    @property
    def buffer_node(self) -> int:
        """The node of the global buffer, where there is one."""
        return self.tiles + self.channels

    def router(self, node: int) -> int:
        """The router that ``node`` hangs on; channels are spread evenly over the first column."""
        if node < self.tiles:
            return node
        if node == self.buffer_node:
            return self.rows // 2 * self.columns
        row = (2 * (node - self.tiles) + 1) * self.rows // (2 * self.channels)
        return row * self.columns


class Routed(Topology):
    """A topology whose transfers go from router to router.

    Paths from one router must agree as long as they meet the same routers: what they share at their
    beginnings is then crossed once, and together they form a tree.
    """

    @abstractmethod
    def path(self, source: int, target: int) -> Sequence[int]:
        """The routers from one to the other, both included."""

    def length(self, here: int, there: int) -> int:
        """Of the wire between two routers, in distances from tile to tile."""
        return 1

    @property
    def routers(self) -> int:
        return self.tiles

    def route(self, source: int, targets: Iterable[int]) -> Route:
        wanted = tuple(sorted(set(targets)))
        reached: dict[Link, tuple[int, int]] = {Link("inject", source, self.router(source)): (0, 0)}
        depth = wire = 0
        for target in wanted:
            routers = self.path(self.router(source), self.router(target))
            behind = 0
            for hop, (here, there) in enumerate(itertools.pairwise(routers)):
                link, length = Link("hop", here, there), self.length(here, there)
                if link not in reached:
                    reached[link] = hop, behind
                    wire += length
                behind += length
            reached[Link("eject", self.router(target), target)] = len(routers) - 1, behind
            depth = max(depth, len(routers) - 1)
        edges = sum(link.kind == "hop" for link in reached)
        hops, wires = zip(*reached.values(), strict=True)
        return Route(source, wanted, tuple(reached), hops, wires, edges, wire, depth, edges + 1)
