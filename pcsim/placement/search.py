"""Which tiles should change places, so that bytes cross fewer links?

A local search from where the snake puts everything: tile by tile it tries the places of the tiles that this one
talks to, and those beside them, and swaps whenever the sum of bytes x links of an update falls, until no such
swap is left. So it is never worse than the snake, and the same for the same input. DRAM channels and
the global buffer stay where they are. Left out: what links that are waited for cost, and swaps of more than two tiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pcsim.placement.tasks import PHASES, Tasks
from pcsim.placement.topologies import Topology
from pcsim.program import Phase

MOST_TRIED = 200_000
"""Swaps tried on one chip at most: some seconds."""

Flow = tuple[int, tuple[int, ...], int]
"""Source, targets and bytes of an update between them."""


def link_bytes(flows: Sequence[Flow], topology: Topology, places: Mapping[int, int]) -> int:
    """Bytes x links of all flows, where ``places`` moves tiles."""
    return sum(
        size * topology.route(places.get(source, source), [places.get(t, t) for t in targets]).edges
        for source, targets, size in flows
    )


def flows_of(tasks: Tasks) -> tuple[Flow, ...]:
    """What an update sends, summed by source and targets; a cold start's loads do not count, and weights that
    stream count at every use."""
    sums: dict[tuple[int, tuple[int, ...]], int] = {}
    columns = (tasks.route, tasks.phase, tasks.size_bytes, tasks.instances())
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for task, (route, phase, size, often) in enumerate(rows):
        if route >= 0 and PHASES[phase] is not Phase.SETUP:
            ends = tasks.routes[route].source, tasks.routes[route].targets
            moved = sum(tasks.varying[task]) if task in tasks.varying else size * often
            sums[ends] = sums.get(ends, 0) + moved
    return tuple((*ends, moved) for ends, moved in sums.items())


def search(tasks: Tasks) -> dict[int, int]:
    """For every tile the one that takes its place."""
    return _Search(flows_of(tasks), tasks.mesh).run()


class _Search:
    """Its life: built from flows, ``run`` once."""

    def __init__(self, flows: Sequence[Flow], topology: Topology) -> None:
        self.flows = flows
        self.topology = topology
        self.place = list(range(topology.nodes))
        """Of every node; DRAM's and the buffer's stay."""
        self.occupant = list(self.place)
        self.touching: dict[int, list[int]] = {}
        """Tile -> flows that begin or end there."""
        for number, (source, targets, _) in enumerate(flows):
            for node in {source, *targets}:
                self.touching.setdefault(node, []).append(number)
        self.edges: dict[tuple[int, tuple[int, ...]], int] = {}

    def run(self) -> dict[int, int]:
        tiles = self.topology.tiles
        used = sorted(node for node in self.touching if node < tiles)
        tried, improved = 0, True
        while improved and tried < MOST_TRIED:
            improved = False
            for tile in used:
                for place in self._candidates(tile):
                    tried += 1
                    improved = self._swap_if_better(tile, place) or improved
        return dict(enumerate(self.place[:tiles]))

    def _candidates(self, tile: int) -> Iterator[int]:
        """Places of, and beside, the nodes that ``tile`` talks to."""
        found: dict[int, None] = {}
        for number in self.touching[tile]:
            source, targets, _ = self.flows[number]
            for node in (source, *targets):
                found.update(dict.fromkeys(self._beside(self.topology.router(self.place[node]))))
        return iter([place for place in found if place != self.place[tile]])

    def _beside(self, place: int) -> Iterator[int]:
        rows, columns = self.topology.rows, self.topology.columns
        row, column = divmod(place, columns)
        for down, right in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)):
            if 0 <= row + down < rows and 0 <= column + right < columns:
                yield (row + down) * columns + column + right

    def _swap_if_better(self, tile: int, place: int) -> bool:
        other = self.occupant[place]
        flows = sorted({*self.touching[tile], *self.touching.get(other, ())})
        before = self._cost(flows)
        self._swap(tile, other)
        if self._cost(flows) < before:
            return True
        self._swap(tile, other)
        return False

    def _swap(self, one: int, other: int) -> None:
        place = self.place
        place[one], place[other] = place[other], place[one]
        self.occupant[place[one]], self.occupant[place[other]] = one, other

    def _cost(self, flows: Sequence[int]) -> int:
        total = 0
        for number in flows:
            source, targets, size = self.flows[number]
            ends = self.place[source], tuple([self.place[target] for target in targets])
            edges = self.edges.get(ends)
            if edges is None:
                edges = self.edges[ends] = self.topology.route(*ends).edges
            total += size * edges
        return total
