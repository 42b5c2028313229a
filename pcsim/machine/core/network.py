"""When does a transfer cross the network: wormhole switching with contention on every link.

A transfer of F flits whose head starts at time s occupies the link reached after h hops during
[s + t, s + t + F), with t the latency of h routers and of the wires before it; its tail arrives at the last
destination F - 1 cycles after its head. It starts at the earliest time at which every link of its route (of
the whole tree of a multicast) is free for it in this way. Requests are served in the order in which they
are made; requests of one instant in a canonical order, whoever asked first.

Left out: buffers in the routers and virtual channels. A blocked transfer waits at its source instead of
standing in the network, so links behind the blockage stay free for others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pcsim.compiled.jit import borrowing, inner, jit
from pcsim.machine.core.records import NONE, Records, columns
from pcsim.placement import Link, Route

WAY = columns("first", "last", "flight")
"""A route: its ``crossings`` [first, last), and the cycles that a head takes to its last destination."""

CROSSING = columns("link", "behind")
"""A link of a route, and the cycles that a head takes to it."""

LINK = columns("first", "end")
"""When one link is taken: the first of its intervals, in order of time, and the end of the last."""

REQUEST = columns("at", "rank", "way", "flits", "waiting", "served")
"""What one requester asks for: to send so many flits along a way from a time on; ``rank`` orders the requests
of one instant. The columns ``waiting`` and ``served`` are lists of requesters by themselves: a heap of all who have
asked, the earliest on top, and those whose instant it is, in order."""

COUNTS = columns("asked", "free", "unused")
"""How many requests are waiting; the first interval that is not used, and how many there are."""

START, END, NEXT = 0, 1, 2
"""Columns of the intervals: [start, end), and which interval of the same link comes next."""


class Interconnect(NamedTuple):
    """The links of one simulated chip.

    Its life: whoever has something to send ``ask``s for the time at which it will be ready; at the end of
    that instant the requests for it are ``collect``ed in order, and each ``reserve``s its links. The
    intervals in which links are taken grow as they must, so they are handed through beside it.
    """

    ways: Records
    crossings: Records
    links: Records
    requests: Records
    counts: Records


def network_of(
    routes: Sequence[Route], requesters: int, *, router_cycles: int, link_cycles: int
) -> Interconnect:
    """All links free. ``way`` w is ``routes[w]``; latencies are those of a router, and of a wire as long as
    from tile to tile. Each requester has one request at a time."""
    numbers: dict[Link, int] = {}
    ways: list[tuple[int, int, int]] = []
    crossings: list[tuple[int, int]] = []
    for route in routes:
        behind = [
            hops * router_cycles + wire * link_cycles
            for hops, wire in zip(route.hops, route.wires, strict=True)
        ]
        first = len(crossings)
        for link, cycles in zip(route.links, behind, strict=True):
            crossings.append((numbers.setdefault(link, len(numbers)), cycles))
        ways.append((first, len(crossings), max(behind)))
    links = np.zeros(len(numbers), LINK)
    links["first"] = NONE
    return Interconnect(
        np.array(ways, WAY),
        np.array(crossings, CROSSING),
        links,
        np.zeros(requesters, REQUEST),
        np.array([(0, NONE, 0)], COUNTS),
    )


@jit
def no_intervals():
    """Room for no intervals yet."""
    return np.empty((0, 3), np.int64)


@inner
def _grown(network, intervals, wanted):
    """The same intervals, and as many unused ones more, but at least those ``wanted``."""
    counts, size = network.counts, len(intervals)
    more = np.empty((2 * size + wanted, 3), np.int64)
    for index in range(size):
        for column in range(3):
            more[index, column] = intervals[index, column]
    for index in range(size, len(more)):
        more[index, NEXT] = counts[0].free
        counts[0].free = index
    counts[0].unused += len(more) - size
    return more


@borrowing
def _before(requests, one, other):
    if requests[one].at != requests[other].at:
        return requests[one].at < requests[other].at
    return requests[one].rank < requests[other].rank


@jit
def ask(network, requester, at, rank, way, flits):
    """Ask to send ``flits`` >= 1 along ``way`` from ``at`` on, now or later. No two requests for one
    instant may have the same ``rank``."""
    requests, counts = network.requests, network.counts
    requests[requester].at = at
    requests[requester].rank = rank
    requests[requester].way = way
    requests[requester].flits = flits
    place = counts[0].asked
    counts[0].asked = place + 1
    while place:
        above = (place - 1) // 2
        if not _before(requests, requester, requests[above].waiting):
            break
        requests[place].waiting = requests[above].waiting
        place = above
    requests[place].waiting = requester


@borrowing
def _earliest(network):
    """Take the earliest request from the heap."""
    requests, counts = network.requests, network.counts
    earliest = requests[0].waiting
    size = counts[0].asked - 1
    counts[0].asked = size
    moved = requests[size].waiting
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and _before(
            requests, requests[below + 1].waiting, requests[below].waiting
        ):
            below += 1
        if not _before(requests, requests[below].waiting, moved):
            break
        requests[place].waiting = requests[below].waiting
        place = below
    requests[place].waiting = moved
    return earliest


@jit
def collect(network, now):
    """How many have asked for ``now``; the column ``served`` begins with them, in order."""
    found = 0
    while network.counts[0].asked and network.requests[network.requests[0].waiting].at == now:
        network.requests[found].served = _earliest(network)
        found += 1
    return found


@borrowing
def _blocked_until(network, intervals, link, start, end):
    """End of an interval that overlaps [start, end), or NONE if the link is free then."""
    if network.links[link].end <= start:
        return NONE
    at = network.links[link].first
    while at != NONE and intervals[at, END] <= start:
        at = intervals[at, NEXT]
    if at != NONE and intervals[at, START] < end:
        return intervals[at, END]
    return NONE


@borrowing
def _take(network, intervals, link, start, end, now):
    """Occupy [start, end), which must be free, and forget what ended by ``now``."""
    links, counts = network.links, network.counts
    first = links[link].first
    while first != NONE and intervals[first, END] <= now:
        after = intervals[first, NEXT]
        intervals[first, NEXT] = counts[0].free
        counts[0].free = first
        counts[0].unused += 1
        first = after
    taken = counts[0].free
    counts[0].free = intervals[taken, NEXT]
    counts[0].unused -= 1
    intervals[taken, START] = start
    intervals[taken, END] = end
    if first == NONE or end <= intervals[first, START]:
        intervals[taken, NEXT] = first
        first = taken
    else:
        before = first
        while intervals[before, NEXT] != NONE and intervals[intervals[before, NEXT], START] < end:
            before = intervals[before, NEXT]
        intervals[taken, NEXT] = intervals[before, NEXT]
        intervals[before, NEXT] = taken
    links[link].first = first
    links[link].end = max(links[link].end, end)


@jit
def reserve(network, intervals, requester, now):
    """Take every link of a requester's way at the earliest possible time; returns the intervals, and when the
    transfer starts."""
    way, flits = network.requests[requester].way, network.requests[requester].flits
    first, last = network.ways[way].first, network.ways[way].last
    if network.counts[0].unused < last - first:
        intervals = _grown(network, intervals, last - first)
    start, settled, position = now, 0, first
    # Go round the links until a whole round has found nothing in the way.
    while settled < last - first:
        begin = start + network.crossings[position].behind
        link = network.crossings[position].link
        until = _blocked_until(network, intervals, link, begin, begin + flits)
        if until == NONE:
            settled += 1
            position += 1
            if position == last:
                position = first
        else:
            start, settled = until - network.crossings[position].behind, 0
    for position in range(first, last):
        begin = start + network.crossings[position].behind
        link = network.crossings[position].link
        _take(network, intervals, link, begin, begin + flits, now)
    return intervals, start


@borrowing
def flight_cycles(network, way, flits):
    """Cycles from the start of a transfer to the arrival of its tail at the last destination."""
    return network.ways[way].flight + max(flits - 1, 0)
