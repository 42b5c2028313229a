"""In which order does a tile that holds few parts at a time go through many?

A visit of a node in a step does all that its move is for: what its readers pull, the move, and their predictions from
it. It needs what the visits near it left behind in the step before, so visits form a stencil over nodes and
steps, and may be taken

- node by node (``window`` 0): all nodes of a step from the output down, then the next step;
- skewed (``window`` G): G neighbouring slots through all steps, one slot lower each step, then the next G. On a chain
  of L layers W is loaded about L T / G + L times in place of L T.

Either way a node learns as soon as its last error is there, while its weights still are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pcsim.network import Graph
from pcsim.network.fronts import near
from pcsim.program.ops import Turn


@dataclass(frozen=True)
class Visits:
    """``window`` G is skewed, 0 is node by node."""

    window: int = 0


class Tour:
    """The turns of visits to the nodes of a graph."""

    def __init__(self, graph: Graph, visits: Visits) -> None:
        self.graph, self.window = graph, visits.window
        self.nodes = len(graph.nodes)
        self.slots = slots(graph, {node.number: node.number for node in graph.hidden})

    def turn(self, node: int) -> Turn:
        """Of the visit of ``node``; the input, which never moves, comes last in a step."""
        if self.window:
            return Turn(window=self.window, shift=max(0, self.slots.get(node, 0) - 1))
        return Turn(stride=self.nodes + 1, offset=max(0, self.nodes - 1 - node))

    def turn_of_error(self, node: int) -> Turn:
        """Of the error of ``node``, which its own visit and those of the nodes that it reads change."""
        movers = {node, *self.graph.parents[node]}
        if self.window:
            return self.turn(max(movers, key=lambda mover: self.slots.get(mover, 0)))
        return self.turn(min(movers))


def slots(graph: Graph, order: Mapping[int, int]) -> dict[int, int]:
    """In which slot of a pass, from 1, each of the nodes in ``order`` moves, where the next pass begins a slot later.

    Slots do not fall from one move to the next. A node moves again one slot after its own at the earliest, so those
    near it that move behind it must have done so by then: their slot is at most the next one.
    """
    nodes = sorted(order, key=lambda node: order[node])
    latest = dict.fromkeys(nodes, len(nodes))
    found: dict[int, int] = {}
    slot = 0
    for at, node in enumerate(nodes):
        slot = min(slot + 1, *(latest[each] for each in nodes[at:]))
        found[node] = slot
        for other in near(graph, node) & order.keys():
            if order[other] > order[node]:
                latest[other] = min(latest[other], slot + 1)
    return found
