"""Shapes of the network between tiles, a file each, behind one interface."""

from __future__ import annotations

from collections.abc import Mapping

from pcsim.config import Hardware
from pcsim.placement.topologies.bus import Bus
from pcsim.placement.topologies.h_tree import HTree
from pcsim.placement.topologies.mesh import Mesh
from pcsim.placement.topologies.neighbour import Neighbour
from pcsim.placement.topologies.ring import Ring
from pcsim.placement.topologies.topology import Topology
from pcsim.placement.topologies.torus import Torus

TOPOLOGIES: Mapping[str, type[Topology]] = {
    "mesh": Mesh,
    "torus": Torus,
    "ring": Ring,
    "bus": Bus,
    "h-tree": HTree,
    "neighbour": Neighbour,
}
"""By the words of ``noc.topology``."""


def topology_of(hardware: Hardware) -> Topology:
    """The network that a hardware file describes."""
    rows, columns = hardware.tiles.mesh
    buffers = 0 if hardware.buffer is None else 1
    return TOPOLOGIES[hardware.noc.topology](rows, columns, hardware.dram.channels, buffers)


__all__ = [
    "TOPOLOGIES",
    "Bus",
    "HTree",
    "Mesh",
    "Neighbour",
    "Ring",
    "Topology",
    "Torus",
    "topology_of",
]
