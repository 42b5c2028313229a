"""When does a transfer cross the network: wormhole switching with contention on every link.

A transfer of F flits whose head starts at time s occupies the link reached after h hops during
[s + h t, s + h t + F), with t the latency of a router and a link; its tail arrives at
s + depth t + F - 1. It starts at the earliest time at which every link of its route (of the whole tree
of a multicast) is free for it in this way. Requests are served in the order in which they are made;
requests of one instant in a canonical order, whoever asked first.

Left out: buffers in the routers and virtual channels. A blocked transfer waits at its source instead of
standing in the network, so links behind the blockage stay free for others.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable

import simpy
from simpy.events import Event, EventPriority

from pcsim.placement import Link, Route


class EndOfInstant(Event):
    """Triggered when created; processed after all ordinary events of the same time."""

    PRIORITY = EventPriority(2)
    """SimPy's own events have priority 0 (urgent) or 1 (normal)."""

    def __init__(self, env: simpy.Environment, callback: Callable[[Event], None]) -> None:
        super().__init__(env)
        self.callbacks = [callback]
        self._ok = True
        self._value = None
        env.schedule(self, priority=self.PRIORITY)


class Calendar:
    """When one link is taken: disjoint intervals [start, end) in order of time."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, int]] = []

    def blocked_until(self, start: int, end: int) -> int | None:
        """End of an interval that overlaps [start, end), or None if the link is free then."""
        index = bisect_left(self.taken, (start + 1,))
        if index and self.taken[index - 1][1] > start:
            return self.taken[index - 1][1]
        if index < len(self.taken) and self.taken[index][0] < end:
            return self.taken[index][1]
        return None

    def take(self, start: int, end: int, *, now: int) -> None:
        """Occupy [start, end), which must be free, and forget what ended by ``now``."""
        insort(self.taken, (start, end))
        past = 0
        while self.taken[past][1] <= now:
            past += 1
        del self.taken[:past]


class Sent(Event):
    """A transfer's way out of its source: processed when its tail has left.

    Its life: created by ``Network.request``; at the end of that instant the network decides when the
    transfer starts and calls ``on_start`` with it and the cycles until then; its value is the start time.
    ``unit`` is whoever asked, for callbacks that serve many.
    """

    def __init__(self, env: simpy.Environment, route: Route, flits: int) -> None:
        super().__init__(env)
        self.route = route
        self.flits = flits
        self.unit = -1
        self.on_start: Callable[[Sent, int], None] | None = None

    def start(self, start: int) -> None:
        wait = start - int(self.env.now)
        if self.on_start is not None:
            self.on_start(self, wait)
        self._ok = True
        self._value = start
        self.env.schedule(self, delay=wait + self.flits)


class Network:
    """The links of one simulated chip.

    Its life: units call ``request`` at the time they are ready to send; at the end of that instant all
    requests are sorted by their keys and each is given the time at which it starts.
    """

    def __init__(self, env: simpy.Environment, *, hop_cycles: int) -> None:
        self.env = env
        self.hop_cycles = hop_cycles
        self.calendars: dict[Link, Calendar] = {}
        self.requests: list[tuple[tuple[int, ...], Route, Sent]] = []

    def request(self, key: tuple[int, ...], route: Route, flits: int) -> Sent:
        """Ask to send ``flits`` >= 1 along ``route`` now; yield what is returned.

        ``key`` orders requests of one instant and must be unique among them.
        """
        if not self.requests:
            EndOfInstant(self.env, self._arbitrate)
        sent = Sent(self.env, route, flits)
        self.requests.append((key, route, sent))
        return sent

    def _arbitrate(self, _: Event) -> None:
        requests, self.requests = sorted(self.requests, key=lambda request: request[0]), []
        for _key, route, sent in requests:
            sent.start(self.reserve(route, sent.flits))

    def reserve(self, route: Route, flits: int) -> int:
        """Take every link of ``route`` at the earliest possible time; returns the start time."""
        now = int(self.env.now)
        path = [
            (self.calendars.setdefault(link, Calendar()), hop * self.hop_cycles)
            for link, hop in zip(route.links, route.hops, strict=True)
        ]
        start, settled = now, 0
        # Go round the links until a whole round has found nothing in the way.
        position = 0
        while settled < len(path):
            calendar, offset = path[position]
            end = calendar.blocked_until(start + offset, start + offset + flits)
            if end is None:
                settled += 1
                position = (position + 1) % len(path)
            else:
                start, settled = end - offset, 0
        for calendar, offset in path:
            calendar.take(start + offset, start + offset + flits, now=now)
        return start

    def flight_cycles(self, route: Route, flits: int) -> int:
        """Cycles from the start of a transfer to the arrival of its tail at the last destination."""
        return route.depth * self.hop_cycles + max(flits - 1, 0)
