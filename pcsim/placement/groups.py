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

    ``paired``: there are only tiles (j, j), as outputs of slice j need inputs of slice j alone. ``samples``: shares of
    the batch, where it is cut, too; each has all these tiles once more, with weights of its own, and those of share 0
    are the ones that are updated.
    """

    layer: int
    inputs: tuple[Slice, ...]
    outputs: tuple[Slice, ...]
    tiles: tuple[int, ...]
    paired: bool = False
    samples: tuple[Slice, ...] = ()

    @property
    def shares(self) -> int:
        """Into how many shares the batch is cut."""
        return max(1, len(self.samples))

    def batches(self, batch: int) -> tuple[Slice, ...]:
        """The samples of each share."""
        return self.samples or (Slice(0, batch),)

    def tile(self, i: int, j: int, s: int = 0) -> int:
        at = j if self.paired else j * len(self.inputs) + i
        return self.tiles[s * (len(self.tiles) // self.shares) + at]

    def owner(self, j: int, s: int = 0) -> int:
        """The tile that owns output slice j: where partial predictions are summed."""
        return self.tile(0, j, s)

    def root(self, i: int, s: int = 0) -> int:
        """The tile where partial feedback to input slice i is summed."""
        return self.tile(i, i if self.paired else 0, s)

    def column(self, i: int, s: int = 0) -> list[int]:
        """The tiles that hold weights from input slice i."""
        if self.paired:
            return [self.tile(i, i, s)]
        return [self.tile(i, j, s) for j in range(len(self.outputs))]

    def row(self, j: int, s: int = 0) -> list[int]:
        """The tiles that hold weights to output slice j, its owner first."""
        if self.paired:
            return [self.tile(j, j, s)]
        return [self.tile(i, j, s) for i in range(len(self.inputs))]

    def copies(self, i: int, j: int) -> list[int]:
        """The tiles that hold the weights from input slice i to output slice j, one for each share."""
        return [self.tile(i, j, s) for s in range(self.shares)]

    def members(self, s: int = 0) -> Iterator[tuple[int, int, int]]:
        """Every (i, j, tile) of a share."""
        for j in range(len(self.outputs)):
            for i in (j,) if self.paired else range(len(self.inputs)):
                yield i, j, self.tile(i, j, s)


def group_of(
    layer: int, sizes: Sizes, parts: Split, tiles: tuple[int, ...], *, batch: int
) -> Group:
    """Part ``layer`` cut into ``parts``, one for each of ``tiles``."""
    samples = split(batch, parts.samples) if parts.samples > 1 else ()
    if not sizes.paired:
        inputs, outputs = split(sizes.n_in, parts.inputs), split(sizes.n_out, parts.outputs)
        return Group(layer, inputs, outputs, tiles, samples=samples)
    inputs, outputs = (
        tuple(
            Slice(each.start * width, each.stop * width)
            for each in split(sizes.groups, parts.outputs)
        )
        for width in (sizes.n_in // sizes.groups, sizes.n_out // sizes.groups)
    )
    return Group(layer, inputs, outputs, tiles, paired=True, samples=samples)


@dataclass(frozen=True)
class Split:
    """Into how many slices a layer is cut: ``inputs`` along n_in, ``outputs`` along n_out, ``samples`` along the
    batch."""

    inputs: int
    outputs: int
    samples: int = 1

    @property
    def tiles(self) -> int:
        return self.inputs * self.outputs * self.samples
