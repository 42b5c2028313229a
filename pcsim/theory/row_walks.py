"""The chains of `pcsim.theory.streamed_rows`, row by row: when does each row pass each unit?

A unit takes rows in order. It begins a row when the row is there and the row before is done. These two rules are all
there is, so that a walk holds for any sizes, where a closed form leaves some out. All times are cycles.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from pcsim.theory.streamed_rows import FoldedProduct, Layer, Pair, Reduction, Relaxation, Wire

Rows = list[int]
"""Of each row, in order, the first cycle in which the next unit can take it."""


def through_unit(rows: Sequence[int], cycles: int) -> Rows:
    """Behind a unit that takes ``cycles`` for each row and hands it on when it has ended."""
    passed, free = [], 0
    for row in rows:
        free = max(free, row) + cycles
        passed.append(free)
    return passed


def over_link(rows: Sequence[int], wire: Wire, words: int) -> Rows:
    """At the other end of a link, of rows of so many ``words``: the last is there a latency after the cycle it was
    sent in."""
    return [row - 1 + wire.latency for row in through_unit(rows, wire.cycles(words))]


class Array:
    """Cells that take rows one by one. Each call of ``fold`` is one fold."""

    def __init__(self, folds: FoldedProduct, *, loaded: int) -> None:
        """``loaded``: the cycle from which on the first weights are there."""
        self.folds, self.loaded, self.entered = folds, loaded, -1

    def fold(self, rows: Sequence[int]) -> Rows:
        """In which cycles ``rows`` enter that wait from these cycles on: each when it is there and the one before has
        entered, the first when the weights are loaded, too."""
        self.entered = max(self.entered, self.loaded - 1)
        entered = []
        for row in rows:
            self.entered = max(row, self.entered + 1)
            entered.append(self.entered)
        last_cell = self.folds.crossing - 2
        # The next load begins when: nothing is in the array; the last cell has taken its weight; the first row is in.
        load = {
            "serial": entered[-1] + last_cell + 1,
            "chain": entered[0] + last_cell,
            "wave": entered[0],
        }[self.folds.preload]
        self.loaded = load + self.folds.rows
        return entered


def out_of_array(folds: FoldedProduct) -> Rows:
    """Finished rows behind the accumulator, where all rows are there in cycle 0, and the first weights, and folds along
    N are the outer ones."""
    array, finished = Array(folds, loaded=0), []
    for _ in range(folds.outer):
        for _ in range(folds.inner):
            entered = array.fold([0] * folds.samples)
        finished += [row + folds.crossing for row in entered]
    return finished


def array_walk(folds: FoldedProduct) -> int:
    """`streamed_rows.array_cycles`, row by row."""
    array = Array(folds, loaded=folds.rows)
    for _ in range(folds.inner * folds.outer):
        entered = array.fold([0] * folds.samples)
    return entered[-1] + folds.crossing - 1


def _added(mine: Sequence[int], sent: Sequence[int], wire: Wire, words: int) -> Rows:
    """Sums of rows of a tile and those that another sends."""
    both = zip(mine, over_link(sent, wire, words), strict=True)
    return through_unit([max(pair) for pair in both], 1)


def reduction_walk(chain: Reduction) -> int:
    """`streamed_rows.reduction_cycles`, row by row."""
    words = chain.folds.cols
    parts = [out_of_array(chain.folds)] * chain.tiles
    while len(parts) > 1:
        if chain.tree:  # Of each two neighbours the one that comes later adds.
            halves = zip(parts[::2], parts[1::2], strict=True)
            parts = [_added(mine, sent, chain.between, words) for sent, mine in halves]
        else:
            sent, mine, *rest = parts
            parts = [_added(mine, sent, chain.between, words), *rest]
    rows = through_unit(parts[0], chain.vector)
    if chain.onward:
        rows = over_link(rows, chain.onward, words)
    if chain.next_cols:
        entered = [done - 1 for done in through_unit(rows, 1)]
        return entered[-1] + words + chain.next_cols - 1
    return rows[-1]


def pair_walk(pair: Pair) -> int:
    """`streamed_rows.pair_cycles`, row by row: each enters the second array when it is there and the row before has
    entered, the first of a fold when the fold's weights are loaded, too."""
    folds = pair.folds
    rows = over_link(through_unit(out_of_array(folds), pair.vector), pair.onward, folds.cols)
    slices = [rows[at : at + folds.samples] for at in range(0, len(rows), folds.samples)]
    if pair.order == "k_outer":
        order = [rows_of for rows_of in slices for _ in range(pair.next_outer)]
    else:
        order = slices * pair.next_outer
    array = Array(pair.next_folds, loaded=0)
    for rows_of in order:
        entered = array.fold(rows_of)
    return entered[-1] + pair.next_folds.crossing - 1


def layers_walk(layers: Sequence[Layer]) -> int:
    """From the first row in to the last one behind the last link, where slices pass layer after layer.

    Slices of outputs of a layer are slices of K of the next; all have as many rows, on arrays of as many columns.
    """
    first = layers[0].folds
    slices: list[Rows] = [[0] * first.samples] * first.inner
    for layer in layers:
        array = Array(layer.folds, loaded=0)
        finished: list[Rows] = [[]] * layer.folds.outer
        if layer.order == "k_outer":
            turns = [(rows, at) for rows in slices for at in range(layer.folds.outer)]
        else:
            turns = [(rows, at) for at in range(layer.folds.outer) for rows in slices]
        for rows, at in turns:
            finished[at] = array.fold(rows)
        out = [row + layer.folds.crossing for rows in finished for row in rows]
        sent = over_link(through_unit(out, layer.vector), layer.onward, layer.folds.cols)
        slices = [sent[at : at + first.samples] for at in range(0, len(sent), first.samples)]
    return slices[-1][-1]


NEVER = 1 << 62
"""When a row is there that nobody has given yet."""


class _Row(NamedTuple):
    """What waits for a unit: ``there`` is the first cycle in which it can be taken."""

    there: int
    step: int
    sample: int


class _Unit:
    """Takes rows in order, ``cycles`` each; what it gives goes to the queues ``onward``, ``latency`` later."""

    def __init__(self, cycles: int, latency: int = 0) -> None:
        self.cycles, self.latency = cycles, latency
        self.waiting: deque[_Row] = deque()
        self.onward: list[deque[_Row]] = []
        self.free = 0
        self.given: dict[tuple[int, int], int] = {}
        """Of a step and a sample the first cycle in which its row, given, can be read."""

    def ready(self, now: int) -> bool:
        return bool(self.waiting) and max(self.free, self.waiting[0].there) <= now

    def take(self, now: int) -> _Row:
        row = self.waiting.popleft()
        self.free = now + self.cycles
        given = _Row(self.free + self.latency, row.step, row.sample)
        self.given[row.step, row.sample] = given.there
        for queue in self.onward:
            queue.append(given)
        return given


class _Tile:
    """Layer l of a relaxation: both directions of its array, the stage of errors, that of states, both links."""

    def __init__(self, net: Relaxation) -> None:
        self.forward, self.backward = (_Unit(1, 2 * net.width - 1) for _ in range(2))
        self.errors, self.states = _Unit(net.stage), _Unit(net.stage)
        taken = net.wire.cycles(net.width)
        self.up, self.down = (_Unit(taken, net.wire.latency - 1) for _ in range(2))
        self.forward.waiting.extend(_Row(0, 0, sample) for sample in range(net.samples))
        self.forward.onward = [self.errors.waiting]
        self.backward.onward = [self.down.waiting]
        self.entered = 0

    def enter(self, net: Relaxation, now: int) -> None:
        """At most one row enters the array."""
        if net.errors_first:
            direction = self.backward if self.backward.ready(now) else self.forward
        elif not self.errors.onward:  # Nothing comes back to x_0.
            direction = self.forward
        else:
            direction = (self.forward, self.backward)[self.entered // net.samples % 2]
        if direction.ready(now):
            direction.take(now)
            self.entered += 1


def relaxation_walk(net: Relaxation) -> int:
    """`streamed_rows.relaxation_cycles`, cycle by cycle. x_0 and x_L are clamped; layer 1 takes a sample of x_0 again
    as soon as its x_1 is moved, without a link."""
    tiles = [_Tile(net) for _ in range(net.layers)]
    for below, above in pairwise(tiles):
        above.errors.onward = [above.backward.waiting]
        above.down.onward = [below.states.waiting]
        below.up.onward = [above.forward.waiting]
    now = end = moved = 0
    while moved < (net.layers - 1) * net.steps * net.samples:
        for tile in tiles:
            tile.enter(net, now)
            if tile.errors.ready(now):
                _, step, sample = tile.errors.waiting[0]
                clamped = tile is tiles[-1] or not step
                if clamped or tile.states.given.get((step - 1, sample), NEVER) <= now:
                    tile.errors.take(now)
            if tile.states.ready(now):
                _, step, sample = tile.states.waiting[0]
                if tile.errors.given.get((step, sample), NEVER) <= now:
                    end = tile.states.take(now).there
                    moved += 1
                    if step + 1 < net.steps:
                        again = _Row(end, step + 1, sample)
                        tile.up.waiting.append(again)
                        if tile is tiles[0]:
                            tile.forward.waiting.append(again)
            for link in (tile.up, tile.down):
                if link.ready(now):
                    link.take(now)
        now += 1
    return end
