"""Where does each word of a value lie, and what must move so that it lies somewhere else?

A layout lists boxes of a sample's words, each with the tiles that hold it, for each share of the batch. Words are
counted channel by channel, so what one part calls 16 channels of 49 places is 784 features of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pcsim.placement.groups import Group, Slice
from pcsim.program.sizes import Sizes

Boxes = tuple[tuple[Slice, tuple[int, ...]], ...]
"""Boxes of words in order, each with the tiles that hold it."""

Layout = tuple[tuple[Slice, Boxes], ...]
"""For each share of the batch, where its words lie."""


def owned(group: Group, words: int, batch: int) -> Layout:
    """A result, state or error of ``words`` a sample: at the owners of the part's output slices."""
    return _layout(group, group.outputs, lambda j, s: (group.owner(j, s),), words, batch)


def operand(group: Group, words: int, batch: int) -> Layout:
    """What the part's products read: each input slice at all tiles that hold weights from it."""
    return _layout(group, group.inputs, lambda i, s: tuple(group.column(i, s)), words, batch)


def pulled(group: Group, words: int, batch: int) -> Layout:
    """What the part's pull gives: each input slice at the tile where its sums meet."""
    return _layout(group, group.inputs, lambda i, s: (group.root(i, s),), words, batch)


def shared(group: Group, words: int, batch: int) -> Layout:
    """An error that products multiply: each output slice at all tiles that hold weights to it."""
    return _layout(group, group.outputs, lambda j, s: tuple(group.row(j, s)), words, batch)


def weights(group: Group, sizes: Sizes) -> Iterator[tuple[Slice, Slice, list[int]]]:
    """Of each box of a part's weights its outputs, which of the weights of an output it has, and the tiles that hold
    it, that where it is updated first."""
    each = sizes.weights // sizes.n_out
    for i, j, _ in group.members():
        inputs, outputs = group.inputs[i], group.outputs[j]
        mine = Slice(inputs.start * sizes.taps, inputs.stop * sizes.taps)
        yield outputs, Slice(0, each) if group.paired else mine, group.copies(i, j)


def per_unit(group: Group, elements: int) -> Iterator[tuple[Slice, list[int]]]:
    """Biases, gains or positions: where each stretch of all ``elements`` is, that where it is updated first."""
    width = group.outputs[-1].stop
    for j, each in enumerate(group.outputs):
        box = Slice(elements * each.start // width, elements * each.stop // width)
        yield box, [group.owner(j, s) for s in range(group.shares)]


def _layout(
    group: Group,
    slices: Sequence[Slice],
    tiles: Callable[[int, int], tuple[int, ...]],
    words: int,
    batch: int,
) -> Layout:
    rows = words // slices[-1].stop
    scaled = [Slice(each.start * rows, each.stop * rows) for each in slices]
    return tuple(
        (samples, tuple((box, tiles(at, s)) for at, box in enumerate(scaled)))
        for s, samples in enumerate(group.batches(batch))
    )


def overlaps(source: Layout, target: Layout) -> Iterator[tuple[int, tuple[int, ...], int]]:
    """From which tile to which others how many words go: source boxes in order, of each its targets."""
    for samples, boxes in source:
        for wanted, others in target:
            together = samples.overlap(wanted)
            if together:
                for at, tiles, words in _between(boxes, others):
                    yield at, tiles, together * words


def missing(
    source: Layout, target: Layout, there: Layout
) -> Iterator[tuple[int, tuple[int, ...], int]]:
    """As ``overlaps``, of every pair of boxes, without the words that a tile of ``target`` has as one of ``there``."""
    for samples, boxes in source:
        for wanted, others in target:
            together = samples.overlap(wanted)
            has = [
                (samples.overlap(share.common(wanted)), held)
                for share, held in there
                if share.common(samples).overlap(wanted)
            ]
            for box, (at, *_) in boxes:
                for need, tiles in others:
                    both = box.common(need)
                    held_words = sum(
                        common * both.overlap(slice_)
                        for common, held in has
                        for slice_, holders in held
                        if tiles[0] in holders
                    )
                    yield at, tiles, together * len(both) - held_words


def _between(source: Boxes, target: Boxes) -> Iterator[tuple[int, tuple[int, ...], int]]:
    first = 0
    for box, (at, *_) in source:
        while first < len(target) and target[first][0].stop <= box.start:
            first += 1
        for wanted, tiles in target[first:]:
            if wanted.start >= box.stop:
                break
            yield at, tiles, box.overlap(wanted)
