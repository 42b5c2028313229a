"""Which links does a transfer cross, after how many hops and how much wire? The values that a topology answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Link(NamedTuple):
    """One direction of one connection: ``hop`` between routers, ``bus`` a medium that all share, ``inject``
    from a node into its router, ``eject`` from a router to its node."""

    kind: str
    source: int
    target: int


BETWEEN_ROUTERS = ("hop", "bus")
"""Kinds of links that bytes are counted on; the others are a node's own ports."""


@dataclass(frozen=True)
class Route:
    """The links of a transfer and what a head has behind it where each begins.

    ``hops[k]`` is the number of hops, and ``wires[k]`` the length of their wires, before ``links[k]``. Lengths are
    whole multiples of the distance from tile to tile. ``edges`` counts the hops of the whole route (the tree edges
    of a multicast), ``wire`` the length of all their wires, ``depth`` the hops to the farthest destination,
    ``routers`` the routers passed, ``copies`` the destinations.
    """

    source: int
    targets: tuple[int, ...]
    links: tuple[Link, ...]
    hops: tuple[int, ...]
    wires: tuple[int, ...]
    edges: int
    wire: int
    depth: int
    routers: int

    @property
    def copies(self) -> int:
        return len(self.targets)
