"""How long does a request occupy its DRAM channel, and which rows does it open?

A request of n bytes moves ceil(n / burst) bursts at the channel's bandwidth and opens R = ceil(n / row) rows, one
after the other over B banks. A row that takes r to transfer can be opened, which takes m = tRP + tRCD, as soon as
its bank's row before has been transferred. Row i = j B + b (b < B) therefore starts at

    m + j max(m + r, B r) + b r

and the last one ends after what is left of the request. One bank gives the sum bursts + R m; with enough banks only
the first opening is seen. Every request opens its rows anew (closed pages); all further bursts of a row hit it.
Refreshing takes a share tRFC / tREFI of a channel's time, which makes everything slower by 1 / (1 - share).

The data of a request are there a fixed latency (tCL and the way) later, while the next request already
occupies the channel. Left out: where in a row a tensor begins, read-write turnaround, and when a refresh comes.
"""

from __future__ import annotations

from fractions import Fraction

from pcsim.config import Dram
from pcsim.machine.units.clock import exact, in_cycles
from pcsim.units import Rate

Count = tuple[str, str, int]


def channel_cycles(size_bytes: int, dram: Dram, *, clock_hz: Rate) -> int:
    """Cycles a request of ``size_bytes`` >= 0 occupies the channel."""
    moved = _whole_bursts(size_bytes, dram)
    bandwidth = dram.bandwidth_bytes_per_s
    seconds_per_byte = 1 / Fraction(bandwidth) if bandwidth is not None else Fraction(0)
    seconds = moved * seconds_per_byte
    if dram.rows is not None and moved:
        row, miss = dram.rows.size_bytes * seconds_per_byte, exact(dram.rows.miss_s)
        rounds, bank = divmod(opened_rows(size_bytes, dram) - 1, dram.rows.banks)
        before = rounds * dram.rows.banks + bank
        last = (moved - before * dram.rows.size_bytes) * seconds_per_byte
        seconds = miss + rounds * max(miss + row, dram.rows.banks * row) + bank * row + last
    if dram.refresh is not None:
        interval = exact(dram.refresh.interval_s)
        seconds *= interval / (interval - exact(dram.refresh.time_s))
    return in_cycles(seconds, clock_hz=clock_hz)


def opened_rows(size_bytes: int, dram: Dram) -> int:
    """Rows that a request opens; 0 where the chip does not say how long they are."""
    return 0 if dram.rows is None else -(-_whole_bursts(size_bytes, dram) // dram.rows.size_bytes)


def access(action: str, size_bytes: int, dram: Dram) -> tuple[Count, ...]:
    """What a request counts: its bytes under ``action``, as moved, and the rows it opens."""
    moved = ("dram", action, _whole_bursts(size_bytes, dram))
    rows = opened_rows(size_bytes, dram)
    return (moved, ("dram", "activate", rows)) if rows else (moved,)


def latency_cycles(dram: Dram, *, clock_hz: Rate) -> int:
    """Cycles from the end of a request on the channel until its data are there."""
    return in_cycles(dram.latency_s, clock_hz=clock_hz)


def _whole_bursts(size_bytes: int, dram: Dram) -> int:
    """``size_bytes`` rounded up to whole bursts."""
    burst = dram.burst_bytes or 1
    return -(-size_bytes // burst) * burst
