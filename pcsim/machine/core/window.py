"""Which layers' weights does a tile hold when they stream through it? Those used last, as many as there is room for.

What is loaded and what is pushed out depends on the order of use alone, never on time.
"""

from __future__ import annotations

from pcsim.compiled.jit import borrowing, jit
from pcsim.machine.core.records import NONE

THERE = -1
"""Instead of how many layers were pushed out: none had to be loaded."""


@borrowing
def _oldest(window, seats):
    """The seat of the layer that is there and was used least recently."""
    oldest = NONE
    for seat in range(window.first, window.last):
        if seats[seat].size_bytes and (oldest == NONE or seats[seat].used < seats[oldest].used):
            oldest = seat
    return oldest


@jit
def use(windows, seats, window, seat, size_bytes, now):
    """THERE if the layer of ``seat`` is in its window; else it is loaded, and the column ``pushed_out`` begins with
    as many seats as is returned. ``now`` counts uses."""
    found = seats[seat].size_bytes > 0
    seats[seat].used = now
    if found:
        return THERE
    out = 0
    while windows[window].room_bytes < size_bytes:
        oldest = _oldest(windows[window], seats)
        assert oldest != NONE, "a layer must fit its window"
        windows[window].room_bytes += seats[oldest].size_bytes
        seats[oldest].size_bytes = 0
        seats[out].pushed_out = oldest
        out += 1
    seats[seat].size_bytes = size_bytes
    windows[window].room_bytes -= size_bytes
    return out
