"""A DRAM channel: one request after the other at the channel's bandwidth, each after a fixed latency.

A request of n bytes occupies the channel for ceil(n / bandwidth) cycles; its data are there a latency
later, while the next request already occupies the channel. Left out: banks, row misses, refresh,
read-write turnaround.
"""

from __future__ import annotations

from math import ceil

from pcsim.config import Dram


def channel_cycles(size_bytes: int, dram: Dram, *, clock_hz: int) -> int:
    """Cycles a request occupies the channel."""
    if dram.bandwidth_bytes_per_s is None:
        return 0
    return -(-size_bytes * clock_hz // dram.bandwidth_bytes_per_s)


def latency_cycles(dram: Dram, *, clock_hz: int) -> int:
    """Cycles from the end of a request on the channel until its data are there."""
    return ceil(round(dram.latency_s * clock_hz, 6))
