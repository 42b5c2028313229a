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

from bisect import bisect_left, insort
from collections.abc import Callable
from operator import itemgetter

import simpy
from simpy.events import Event, EventPriority

from pcsim.placement import Link, Route


class EndOfInstant(Event):
    """Triggered when created; processed ``delay`` later, after all ordinary events of that time."""

    PRIORITY = EventPriority(2)
    """SimPy's own events have priority 0 (urgent) or 1 (normal)."""

    def __init__(
        self, env: simpy.Environment, delay: int, callback: Callable[[Event], None]
    ) -> None:
        super().__init__(env)
        self.callbacks = [callback]
        self._ok = True
        self._value = None
        env.schedule(self, priority=self.PRIORITY, delay=delay)


class Calendar:
    """When one link is taken: disjoint intervals [start, end) in order of time."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, int]] = []
        self.end = 0
        """Of the last interval: from then on the link is free."""

    def blocked_until(self, start: int, end: int) -> int | None:
        """End of an interval that overlaps [start, end), or None if the link is free then."""
        if self.end <= start:
            return None
        taken = self.taken
        index = bisect_left(taken, (start + 1,))
        if index and taken[index - 1][1] > start:
            return taken[index - 1][1]
        if index < len(taken) and taken[index][0] < end:
            return taken[index][1]
        return None

    def take(self, start: int, end: int, *, now: int) -> None:
        """Occupy [start, end), which must be free, and forget what ended by ``now``."""
        taken = self.taken
        if self.end <= now:
            self.taken = [(start, end)]
            self.end = end
            return
        if self.end <= start:
            taken.append((start, end))
            self.end = end
        else:
            insort(taken, (start, end))
        past = 0
        while taken[past][1] <= now:
            past += 1
        del taken[:past]


class Sent(Event):
    """A transfer's way out of its source: processed when its tail has left; its value is the start time."""

    def start(self, start: int, flits: int) -> None:
        """The network has said when it starts."""
        self._ok = True
        self._value = start
        self.env.schedule(self, delay=start - self.env.now + flits)


Started = Callable[[int], None]
"""Told when a transfer starts, as soon as that is known."""


class Network:
    """The links of one simulated chip.

    Its life: whoever has something to send ``ask``s for the time at which it will be ready; at the end of
    that instant all that was asked for it is sorted by keys, and each is given the time at which it starts.
    """

    def __init__(self, env: simpy.Environment, *, router_cycles: int, link_cycles: int) -> None:
        """Latency of a router, and of a wire as long as from tile to tile."""
        self.env = env
        self.router_cycles = router_cycles
        self.link_cycles = link_cycles
        self.calendars: dict[Link, Calendar] = {}
        self.paths: dict[int, tuple[tuple[Calendar, int], ...]] = {}
        """Route, by its identity, -> its links' calendars and the delay with which a head gets there."""
        self.asked: dict[int, list[tuple[tuple[int, ...], Route, int, Started]]] = {}

    def ask(
        self, at: int, key: tuple[int, ...], route: Route, flits: int, started: Started
    ) -> None:
        """Ask to send ``flits`` >= 1 along ``route`` from ``at`` on, now or later; ``started`` is told when.

        ``key`` orders what is asked for one instant and must be unique there.
        """
        asked = self.asked.get(at)
        if asked is None:
            asked = self.asked[at] = []
            EndOfInstant(self.env, at - int(self.env.now), self._arbitrate)
        asked.append((key, route, flits, started))

    def request(self, key: tuple[int, ...], route: Route, flits: int) -> Sent:
        """Ask to send now; yield what is returned."""
        sent = Sent(self.env)
        now = int(self.env.now)
        self.ask(now, key, route, flits, lambda start: sent.start(start, flits))
        return sent

    def _arbitrate(self, _: Event) -> None:
        asked = self.asked.pop(int(self.env.now))
        if len(asked) > 1:
            asked.sort(key=itemgetter(0))
        for _key, route, flits, started in asked:
            started(self.reserve(route, flits))

    def reserve(self, route: Route, flits: int) -> int:
        """Take every link of ``route`` at the earliest possible time; returns the start time."""
        now = int(self.env.now)
        path = self.paths.get(id(route)) or self._path(route)
        for calendar, offset in path:
            if calendar.end > now + offset:
                break
        else:  # Nothing in the way, as most often.
            for calendar, offset in path:
                calendar.take(now + offset, now + offset + flits, now=now)
            return now
        start, settled = now, 0
        # Go round the links until a whole round has found nothing in the way.
        position, links = 0, len(path)
        while settled < links:
            calendar, offset = path[position]
            end = calendar.blocked_until(start + offset, start + offset + flits)
            if end is None:
                settled += 1
                position += 1
                if position == links:
                    position = 0
            else:
                start, settled = end - offset, 0
        for calendar, offset in path:
            calendar.take(start + offset, start + offset + flits, now=now)
        return start

    def _path(self, route: Route) -> tuple[tuple[Calendar, int], ...]:
        path = tuple(
            (self.calendars.setdefault(link, Calendar()), self._behind(hops, wire))
            for link, hops, wire in zip(route.links, route.hops, route.wires, strict=True)
        )
        self.paths[id(route)] = path
        return path

    def flight_cycles(self, route: Route, flits: int) -> int:
        """Cycles from the start of a transfer to the arrival of its tail at the last destination."""
        return max(map(self._behind, route.hops, route.wires)) + max(flits - 1, 0)

    def _behind(self, hops: int, wire: int) -> int:
        """Cycles of a head for so many hops over wires of this length."""
        return hops * self.router_cycles + wire * self.link_cycles
