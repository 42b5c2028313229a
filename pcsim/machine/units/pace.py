"""How does a task hand over its rows: when does the first leave, and how long after the last one has come does it end?

An example. An array takes 64 rows, one a cycle, in two folds along its inputs and one along its outputs. Its first
finished row leaves when the first row of the second fold has crossed the array. Its work ends a fold after
the last row has come, as that one must pass the second fold, too.

So a chain of units takes as long as its slowest, and the time of a first row for each of the others. No task is cut
into rows: a task has the cycles until its first row, an interval, and an end. The numbers of rows in flight are
not limited. The rows of several folds along the outputs leave in bursts, one slice after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

from pcsim.units import Rate

NEVER = -1
"""As ``Pace.late``: the first row waits for no last one."""


@dataclass(frozen=True)
class Pace:
    """Cycles of one task between rows.

    ``busy``: it occupies its unit. ``first``: from its beginning until its first row is there. ``row``, ``burst``:
    what one row, and all rows of one burst, take. ``delay``: from the end of its work until its last row is there.
    ``hold``: from then until its unit can take the next, if that does not spend ``load`` of its own time on getting
    ready. From the last row that it takes until the first that it makes
    pass ``late`` at least, from the first that it takes ``spread``, and until the end of its work ``slow`` (`NEVER`:
    it does not matter). ``bursts``: in how many the rows leave; ``period``: between bursts, at least; ``opening`` and
    ``interval``: between rows of the first burst and of the last.
    """

    busy: int
    first: int
    row: int
    burst: int
    delay: int = 0
    hold: int = 0
    load: int = 0
    late: int = NEVER
    spread: int = NEVER
    slow: int = NEVER
    bursts: int = 1
    period: int = 0
    opening: int = 0
    interval: int = 0

    def after(self, rows: int, interval: int) -> int:
        """Cycles that its work goes on after the last of ``rows`` has come, which came in that ``interval``."""
        return min(self.busy, self.row + max(0, self.burst - self.row - (rows - 1) * interval))


class Incoming(NamedTuple):
    """What a task takes: how many ``rows`` a burst has, and the other numbers as for `Pace`."""

    rows: int
    bursts: int = 1
    period: int = 0
    opening: int = 0
    interval: int = 0


def _one_by_one(busy: int, row: int, coming: Incoming, *, latency: int = 0) -> Pace:
    """Rows pass a unit that takes ``row`` cycles for one, and ``busy`` for all."""
    burst = ceil(busy / coming.bursts)
    stalls = coming.bursts > 1 and coming.opening > row
    first_burst = (coming.rows - 1) * coming.opening + row
    return Pace(
        busy,
        row + latency,
        row,
        burst,
        latency,
        slow=first_burst + (coming.bursts - 1) * burst if stalls else NEVER,
        bursts=coming.bursts,
        period=max(coming.period, burst),
        opening=max(coming.opening, row),
        interval=max(coming.interval, row),
    )


def by_lanes(
    elements: int, coming: Incoming, *, lanes: int | None, times: int, ports: int, latency: int
) -> Pace:
    """``times`` operations on every one of ``elements``; rows share no cycle unless several fit into the lanes.

    ``ports``: the cycles that the SRAM ports need for all of them.
    """
    rows = max(1, coming.rows) * coming.bursts
    per_row, all_rows = _pieces(elements, rows, lanes, times)
    busy = max(all_rows, ports)
    row = min(ceil(busy / coming.bursts), max(per_row, ceil(ports / rows)))
    return _one_by_one(busy, row, coming, latency=latency)


def over_links(size_bytes: int, coming: Incoming, *, link: Rate | None) -> Pace:
    """The flits of a transfer: a flit holds words of one row unless several fit into it."""
    rows = max(1, coming.rows) * coming.bursts
    per_row, flits = _pieces(size_bytes, rows, link, 1)
    return _one_by_one(flits, per_row, coming)


def _pieces(amount: int, rows: int, width: Rate | None, times: int) -> tuple[int, int]:
    """Cycles of one row, and of all, where a cycle holds so much of one row, or of several that fit."""
    if width is None or not amount:
        return 0, 0
    each = -(-amount // rows)
    fitting = int(width // each)
    if fitting > 1:
        return times, times * -(-rows // fitting)
    per_row = times * ceil(each / width)
    return per_row, rows * per_row


def evenly(busy: int, coming: Incoming, *, latency: int = 0) -> Pace:
    """Row after row, each with its share of the time; all results a ``latency`` later."""
    row = ceil(busy / max(1, coming.rows))
    opening, interval = max(row, coming.opening), max(row, coming.interval)
    return Pace(busy, row + latency, row, busy, latency, opening=opening, interval=interval)


def whole(busy: int, *, latency: int = 0) -> Pace:
    """Nothing before all has come, and nothing given before the end."""
    return Pace(busy, busy + latency, busy, busy, latency, late=busy + latency)


@dataclass(frozen=True)
class Folds:
    """A product on a systolic array that keeps weights: ``inner`` x ``outer`` folds along K and N.

    Each takes ``streamed`` rows. The next begins ``apart`` cycles after it at the earliest, and ``gap`` after its
    last row; ``load`` fills the cells with weights of the first; ``drain`` passes from the last row in to its last
    word out. Folds along K are the inner ones; or, if it can have ``either``, the outer ones, for inputs of which
    slices come more slowly than a fold passes.
    """

    inner: int
    outer: int
    streamed: int
    apart: int
    gap: int
    load: int
    drain: int
    either: bool = False

    @property
    def pitch(self) -> int:
        """From the beginning of a fold to that of the next."""
        return max(self.streamed + self.gap, self.apart)

    @property
    def cycles(self) -> int:
        """From the first row in to the last, all folds."""
        return (self.inner * self.outer - 1) * self.pitch + self.streamed

    def at_least(self, cycles: int) -> Folds:
        """The same where other parts of the tile, such as its SRAM ports, need so many for all folds."""
        each = -(-cycles // (self.inner * self.outer))
        more = max(0, each - self.streamed)
        return replace(self, streamed=self.streamed + more, gap=max(0, self.gap - more))

    def by_samples(self, coming: Incoming, *, repeat: int, known: bool) -> Pace:
        """Samples are rows that stream, ``repeat`` products one after the other; weights are ``known`` before."""
        each = max(1, self.streamed // max(1, coming.rows))
        load = 0 if known else self.load
        folds, crossing = repeat * self.inner * self.outer, self.drain + 2
        k_outer = self.either and coming.bursts > 1 and coming.period > self.pitch
        a_slice = self.outer if k_outer else 1  # Folds until the next slice of K.
        last = max(1, self.inner // coming.bursts)  # Slices of K that come with the last burst.
        # Folds that rows of the last burst pass after their first one, until they are finished, and in all.
        until = (last - 1) * a_slice
        behind = folds - 1 - (self.inner - last) * a_slice
        late = spread = slow = NEVER
        if until:
            late = self.gap + (until - 1) * self.pitch + each + crossing
        elif self.inner > 1:
            spread = (coming.bursts - 1) * coming.period + each - 1 + crossing
        first_fold = (
            coming.rows - 1
        ) * coming.opening + each  # Where its rows come as slowly as that.
        if folds > 1 and coming.bursts > 1 and first_fold > self.streamed:
            slow = first_fold + self.gap + (folds - 2) * self.pitch + self.streamed
        return Pace(
            load + (folds - 1) * self.pitch + self.streamed,
            load + (self.inner - 1) * a_slice * self.pitch + each - 1 + crossing,
            each + (self.gap + (behind - 1) * self.pitch + self.streamed if behind else 0),
            behind * self.pitch + self.streamed,
            self.drain + 1,
            self.pitch - self.streamed,
            load,
            late,
            spread,
            slow,
            repeat * self.outer,
            self.pitch if k_outer else self.inner * self.pitch,
            # Rows that come for one fold alone leave as they come; in later folds all are there.
            each if until else max(each, coming.interval if self.inner > 1 else coming.opening),
            each if behind else max(each, coming.interval),
        )

    def by_outputs(self, *, repeat: int) -> Pace:
        """Samples are summed over: rows of the matrix that is loaded, as in a weight gradient."""
        folds, crossing = repeat * self.inner * self.outer, self.drain + 2
        row = self.load + (folds - self.inner) * self.pitch + self.streamed
        return Pace(
            self.load + (folds - 1) * self.pitch + self.streamed,
            self.load + (self.inner - 1) * self.pitch + crossing,
            row,
            row,
            self.drain + 1,
            self.pitch - self.streamed,
            self.load,
            self.load + crossing,
            bursts=repeat * self.outer,
            period=self.inner * self.pitch,
            opening=1,
            interval=1,
        )

    def by_products(self, coming: Incoming, *, repeat: int) -> Pace:
        """Each sample has products of its own, as in attention."""
        each = max(1, repeat // max(1, coming.rows)) * self.inner * self.outer
        folds = repeat * self.inner * self.outer
        row = self.load + (each - 1) * self.pitch + self.streamed
        busy = self.load + (folds - 1) * self.pitch + self.streamed
        hold = self.pitch - self.streamed
        between = each * self.pitch
        return Pace(
            busy,
            row + self.drain + 1,
            row,
            row,
            self.drain + 1,
            hold,
            self.load,
            opening=between,
            interval=between,
        )
