"""Where does each word of a value lie, and what must move so that it lies somewhere else?

A layout lists boxes of a sample's words in order, each with the tiles that hold it. Words are counted channel by
channel, so what one part calls 16 channels of 49 places is 784 features of the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pcsim.placement.groups import Group, Slice

Layout = tuple[tuple[Slice, tuple[int, ...]], ...]
"""Boxes of words, each with the tiles that hold it."""


def owned(group: Group, words: int) -> Layout:
    """A result, state or error of ``words`` a sample: at the owners of the part's output slices."""
    tiles = [(group.owner(j),) for j in range(len(group.outputs))]
    return _boxes(group.outputs, tiles, words)


def operand(group: Group, words: int) -> Layout:
    """What the part's products read: each input slice at all tiles that hold weights from it."""
    tiles = [tuple(group.column(i)) for i in range(len(group.inputs))]
    return _boxes(group.inputs, tiles, words)


def pulled(group: Group, words: int) -> Layout:
    """What the part's pull gives: each input slice at the tile where its sums meet."""
    tiles = [(group.root(i),) for i in range(len(group.inputs))]
    return _boxes(group.inputs, tiles, words)


def _boxes(slices: Sequence[Slice], tiles: Sequence[tuple[int, ...]], words: int) -> Layout:
    rows = words // slices[-1].stop
    scaled = (Slice(each.start * rows, each.stop * rows) for each in slices)
    return tuple(zip(scaled, tiles, strict=True))


def overlaps(source: Layout, target: Layout) -> Iterator[tuple[int, tuple[int, ...], int]]:
    """From which tile to which others how many words of a sample go: source boxes in order, of each its targets."""
    first = 0
    for box, (at, *_) in source:
        while first < len(target) and target[first][0].stop <= box.start:
            first += 1
        for wanted, tiles in target[first:]:
            if wanted.start >= box.stop:
                break
            yield at, tiles, box.overlap(wanted)
