"""Which links a transfer crosses: XY routes on a mesh, joined to a tree for a multicast.

A route goes along the row first, then along the column. The routes from one source to several
destinations share their beginnings, so together they form a tree. Nodes 0 .. tiles - 1 are the tiles;
the nodes behind them are the DRAM channels, each attached to the router of one tile of the first column.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Link(NamedTuple):
    """One direction of one connection: ``mesh`` between routers, ``inject`` from a node into its
    router, ``eject`` from a router to its node."""

    kind: str
    source: int
    target: int


@dataclass(frozen=True)
class Route:
    """The links of a transfer and after how many hops each is reached.

    ``hops[k]`` is the number of mesh links crossed before ``links[k]``. ``edges`` counts the mesh links
    (the tree edges of a multicast), ``routers`` the routers traversed, ``depth`` the hops to the farthest
    destination, ``copies`` the destinations.
    """

    source: int
    targets: tuple[int, ...]
    links: tuple[Link, ...]
    hops: tuple[int, ...]
    edges: int
    depth: int

    @property
    def routers(self) -> int:
        """A tree of e edges passes e + 1 routers."""
        return self.edges + 1

    @property
    def copies(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class Mesh:
    """``rows`` x ``columns`` routers with a tile each and ``channels`` DRAM channels."""

    rows: int
    columns: int
    channels: int

    @property
    def tiles(self) -> int:
        return self.rows * self.columns

    def dram_node(self, channel: int) -> int:
        return self.tiles + channel

    def router(self, node: int) -> int:
        """The router that ``node`` hangs on; channels are spread evenly over the first column."""
        if node < self.tiles:
            return node
        row = (2 * (node - self.tiles) + 1) * self.rows // (2 * self.channels)
        return row * self.columns

    def path(self, source: int, target: int) -> list[int]:
        """The routers from one to the other, both included: along the row, then along the column."""
        row, column = divmod(source, self.columns)
        last_row, last_column = divmod(target, self.columns)
        routers = [source]
        while column != last_column:
            column += 1 if last_column > column else -1
            routers.append(row * self.columns + column)
        while row != last_row:
            row += 1 if last_row > row else -1
            routers.append(row * self.columns + column)
        return routers

    def route(self, source: int, targets: Iterable[int]) -> Route:
        """The multicast tree from ``source`` to ``targets`` (a path where there is one target)."""
        wanted = tuple(sorted(set(targets)))
        hops: dict[Link, int] = {Link("inject", source, self.router(source)): 0}
        depth = 0
        for target in wanted:
            routers = self.path(self.router(source), self.router(target))
            for hop, (here, there) in enumerate(itertools.pairwise(routers)):
                hops.setdefault(Link("mesh", here, there), hop)
            hops[Link("eject", self.router(target), target)] = len(routers) - 1
            depth = max(depth, len(routers) - 1)
        edges = sum(link.kind == "mesh" for link in hops)
        return Route(source, wanted, tuple(hops), tuple(hops.values()), edges, depth)
