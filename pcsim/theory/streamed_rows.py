"""How many cycles does a chain of units take in which rows stream from one to the next? Closed forms.

A row is what one sample has of a value. Each unit takes rows in order and has a time for one of them. So a chain
takes the time in which the first row passes through it, and for each of the other rows the time of its slowest unit.

All times are cycles and all sizes words of one register. A row that enters an array of R x C cells in cycle t has
its last word written in cycle t + R + C - 2, lies behind the array as a whole from the cycle after, and behind the
accumulator, which takes one cycle more, from t + R + C on. The forms equal runs of a description of the hardware at
the level of registers (tests/golden/hardware/rtl_streaming.csv); where none applies, `pcsim.theory.row_walks` has the
answer.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Preload = Literal["serial", "chain", "wave"]
Order = Literal["n_outer", "k_outer"]


class FoldedProduct(NamedTuple):
    """``inner`` folds along K for each of ``outer`` along N, on an array of ``rows`` x ``cols`` cells that keep
    weights; ``samples`` rows stream through each.

    Weights enter at one edge, a row a cycle. ``preload``: a cell has one register for them, so that they wait until the
    array is empty (serial); or a second one, filled by a shift chain that moves once the last cell has taken its weight
    (chain), or one in which each weight follows the data (wave).
    """

    rows: int
    cols: int
    samples: int
    inner: int = 1
    outer: int = 1
    preload: Preload = "wave"

    @property
    def crossing(self) -> int:
        """From the cycle in which a row enters until the first in which it can be read behind the accumulator."""
        return self.rows + self.cols

    @property
    def pitch(self) -> int:
        """From the beginning of a fold to that of the next."""
        last_cell = self.crossing - 2
        if self.preload == "serial":
            return self.samples + last_cell + self.rows
        return max(self.samples, self.rows + (last_cell if self.preload == "chain" else 0))

    @property
    def slice_pitch(self) -> int:
        """From the beginning of a slice of outputs to that of the next."""
        return self.inner * self.pitch


class Wire(NamedTuple):
    """A link that takes ``width`` words a cycle, all of one row; they are there ``latency`` >= 1 cycles later."""

    width: int
    latency: int

    def cycles(self, words: int) -> int:
        """In which the link is taken by a row of so many ``words``."""
        return -(-words // self.width)

    def first(self, words: int) -> int:
        """From a row's first cycle on the link to the first in which it is at the other end."""
        return self.cycles(words) - 1 + self.latency


def array_cycles(folds: FoldedProduct) -> int:
    """From the first row of weights at the edge to the last word written in the array.

    With F folds of S rows, R + (F - 1) pitch + S + R + C - 2. serial: F (R + S + R + C - 2), as SCALE-Sim has it.
    Transposed rows through the same weights, from the other edge, count as rows.
    """
    number = folds.inner * folds.outer
    return folds.rows + (number - 1) * folds.pitch + folds.samples + folds.crossing - 2


class Reduction(NamedTuple):
    """A product cut along K over ``tiles``, the sum of its parts, a vector unit, and what comes behind.

    Each tile has ``folds``. Parts are added one after the other along a chain of tiles, or in a binary ``tree``, over
    ``between`` links. A row takes the vector unit ``vector`` cycles. Behind are nothing, a link ``onward``, or that
    and an array of C x ``next_cols`` cells whose weights lie there.
    """

    folds: FoldedProduct
    tiles: int
    between: Wire
    vector: int
    onward: Wire | None = None
    next_cols: int | None = None
    tree: bool = False

    @property
    def hops(self) -> int:
        """Additions that the last part to be added goes through."""
        return (self.tiles - 1).bit_length() if self.tree else self.tiles - 1


def reduction_cycles(chain: Reduction) -> int:
    """From the first row in, weights being there, to the last one out; the second array: written at its far edge.

    fill + (KF - 1) pitch + max((NF M - 1) mu, (NF - 1) KF pitch + (M - 1) mu), with mu the time of a row in the slowest
    unit, and fill that of the first row: R + C + hops (s + H) + g, and s2 - 1 + H2 for a link, C + C2 - 1 for an array.
    """
    folds = chain.folds
    hop = chain.between.cycles(folds.cols)
    fill = folds.crossing + chain.hops * (hop + chain.between.latency) + chain.vector
    slowest = max(1, chain.vector, hop if chain.tiles > 1 else 1)
    if chain.onward:
        fill += chain.onward.first(folds.cols)
        slowest = max(slowest, chain.onward.cycles(folds.cols))
    if chain.next_cols:
        fill += folds.cols + chain.next_cols - 1
    all_rows = (folds.outer * folds.samples - 1) * slowest
    last_slice = (folds.outer - 1) * folds.slice_pitch + (folds.samples - 1) * slowest
    return fill + (folds.inner - 1) * folds.pitch + max(all_rows, last_slice)


class Pair(NamedTuple):
    """Two layers. Slices of the first, n_outer, pass a vector unit and a link to a memory of rows; each is a slice of
    K of the second, which has ``next_outer`` folds along N for each, on an array of C x ``next_cols`` cells.

    ``order`` is that of the second: for each slice all folds along N (k_outer), or for each fold along N all slices
    (n_outer).
    """

    folds: FoldedProduct
    vector: int
    onward: Wire
    next_cols: int
    next_outer: int
    order: Order

    @property
    def next_folds(self) -> FoldedProduct:
        """Of the second layer, its slices along K as inner ones."""
        first = self.folds
        return first._replace(
            rows=first.cols, cols=self.next_cols, inner=first.outer, outer=self.next_outer
        )

    @property
    def first_row(self) -> int:
        """The cycle in which the first row can enter the second array."""
        folds = self.folds
        return (
            folds.crossing
            + self.vector
            + self.onward.first(folds.cols)
            + (folds.inner - 1) * folds.pitch
        )


def pair_cycles(pair: Pair) -> int | None:
    """From the first row in to the last word written at the far edge of the second array; None where a row takes the
    vector unit or the link more than one cycle.

    t + M + C + C2 - 2 + (NF - 1) max(KF pitch, own) + rest. A slice comes every KF pitch. Until the last is there each
    occupies the second array for NF2 folds (k_outer) or for one (n_outer); behind the last one's first fold follow
    NF2 - 1 folds, or NF (NF2 - 1).
    """
    folds = pair.folds
    if max(pair.vector, pair.onward.cycles(folds.cols)) > 1:
        return None
    pitch = pair.next_folds.pitch
    if pair.order == "k_outer":
        own, rest = pair.next_outer * pitch, (pair.next_outer - 1) * pitch
    else:
        own, rest = pitch, (pair.next_outer - 1) * folds.outer * pitch
    slices = (folds.outer - 1) * max(folds.slice_pitch, own)
    return pair.first_row + folds.cols + pair.next_cols - 2 + folds.samples + slices + rest


class Layer(NamedTuple):
    """One of a chain of layers: its ``folds`` in their ``order``, a vector unit and a link behind it."""

    folds: FoldedProduct
    vector: int
    onward: Wire
    order: Order = "n_outer"


class Relaxation(NamedTuple):
    """Inference of predictive coding, layer by layer on a tile each, whose N x N weights lie in its array.

    ``layers`` of weights, all N = ``width`` wide; ``steps``; ``samples`` rows. ``lanes`` of the stage that computes
    errors, and of the one that moves states. In an array the forward rows of a step and then its rows of errors take
    turns, or rows of errors go first wherever there are any (``errors_first``).
    """

    samples: int
    width: int
    steps: int
    layers: int
    lanes: int
    wire: Wire
    errors_first: bool = False

    @property
    def stage(self) -> int:
        """Cycles of a row in a stage."""
        return -(-self.width // self.lanes)

    @property
    def half_steps(self) -> tuple[int, int, int]:
        """Cycles that a row takes from the array to a stored error; from there to its next entry into the array; and
        from a stored error to a moved state."""
        across = self.wire.first(self.width)
        error = 2 * self.width + self.stage
        state = 2 * self.width + across + self.stage
        return error, state + across, state


def relaxation_cycles(net: Relaxation) -> int | None:
    """From the first forward rows in all arrays to the last row of states; None where no form applies.

    Few samples, (M - 1) mu < min(a, b): the latency counts, (T - 1) (a + b) + a + c + (M - 1) mu. Rows in turn and
    units that take a row a cycle: (T - 1) (max(M, a) + max(M, b)) + max(M, a) + c + M - 1. a, b, c as in
    ``half_steps``, mu the time of a row in the slowest unit.
    """
    a, b, c = net.half_steps
    slowest = max(net.stage, net.wire.cycles(net.width))
    behind = (net.samples - 1) * slowest
    if behind < min(a, b):
        return (net.steps - 1) * (a + b) + a + c + behind
    if slowest == 1 and not net.errors_first:
        forward, backward = max(net.samples, a), max(net.samples, b)
        return (net.steps - 1) * (forward + backward) + forward + c + behind
    return None
