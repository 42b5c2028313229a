"""Which units of which layer does a tile hold? Slices of layers and the groups of tiles that share one.

Layer l is held by a group of r_k x r_n tiles: tile (i, j) holds the weights from input slice i to output
slice j. The tile (0, j) owns output slice j: states, errors and their arithmetic live there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from pcsim.program.sizes import Sizes


@dataclass(frozen=True)
class Slice:
    """Units ``start`` to ``stop`` (exclusive) of a layer."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def overlap(self, other: Slice) -> int:
        """How many units both hold."""
        return max(0, min(self.stop, other.stop) - max(self.start, other.start))

    def share(self, whole: int, width: int) -> int:
        """Of a ``whole`` that is spread evenly over ``width`` units, whole numbers that add up to it."""
        return whole * self.stop // width - whole * self.start // width

    def common(self, other: Slice) -> Slice:
        """The units that both hold, perhaps none."""
        start = max(self.start, other.start)
        return Slice(start, max(start, min(self.stop, other.stop)))


def split(width: int, parts: int) -> tuple[Slice, ...]:
    """``width`` units in ``parts`` contiguous slices whose sizes differ by at most one, larger first."""
    size, larger = divmod(width, parts)
    edges = [index * size + min(index, larger) for index in range(parts + 1)]
    return tuple(Slice(start, stop) for start, stop in itertools.pairwise(edges))


@dataclass(frozen=True)
class Group:
    """The tiles that hold layer ``layer``; ``tiles[j * len(inputs) + i]`` is tile (i, j).

    ``paired``: there are only tiles (j, j), as outputs of slice j need inputs of slice j alone.
    """

    layer: int
    inputs: tuple[Slice, ...]
    outputs: tuple[Slice, ...]
    tiles: tuple[int, ...]
    paired: bool = False

    def tile(self, i: int, j: int) -> int:
        return self.tiles[j if self.paired else j * len(self.inputs) + i]

    def owner(self, j: int) -> int:
        """The tile that owns output slice j: where partial predictions are summed."""
        return self.tile(0, j)

    def root(self, i: int) -> int:
        """The tile where partial feedback to input slice i is summed."""
        return self.tile(i, i if self.paired else 0)

    def column(self, i: int) -> list[int]:
        """The tiles that hold weights from input slice i."""
        if self.paired:
            return [self.tiles[i]]
        return [self.tile(i, j) for j in range(len(self.outputs))]

    def row(self, j: int) -> list[int]:
        """The tiles that hold weights to output slice j, its owner first."""
        if self.paired:
            return [self.tiles[j]]
        return [self.tile(i, j) for i in range(len(self.inputs))]

    def members(self) -> Iterator[tuple[int, int, int]]:
        """Every (i, j, tile)."""
        if self.paired:
            for j, tile in enumerate(self.tiles):
                yield j, j, tile
            return
        for j in range(len(self.outputs)):
            for i in range(len(self.inputs)):
                yield i, j, self.tile(i, j)


def group_of(layer: int, sizes: Sizes, parts: Split, tiles: tuple[int, ...]) -> Group:
    """Part ``layer`` cut into ``parts``, one for each of ``tiles``."""
    if not sizes.paired:
        inputs, outputs = split(sizes.n_in, parts.inputs), split(sizes.n_out, parts.outputs)
        return Group(layer, inputs, outputs, tiles)
    inputs, outputs = (
        tuple(
            Slice(each.start * width, each.stop * width)
            for each in split(sizes.groups, parts.outputs)
        )
        for width in (sizes.n_in // sizes.groups, sizes.n_out // sizes.groups)
    )
    return Group(layer, inputs, outputs, tiles, paired=True)


@dataclass(frozen=True)
class Split:
    """Into how many slices a layer is cut: ``inputs`` along n_in, ``outputs`` along n_out."""

    inputs: int
    outputs: int

    @property
    def tiles(self) -> int:
        return self.inputs * self.outputs
