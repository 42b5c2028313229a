"""A chip that works through its tasks, in plain SimPy: a process per unit, queues that are listed, links that forget
nothing. What a unit does is in reference_unit.py; docs/timing.md walks through both files.

What it shares with the package is what tasks are, and how many cycles a closed form gives each of them. It is slow and
as large as the number of steps: it is there to be read, and to be compared with.
"""

from collections import OrderedDict, defaultdict

import simpy
from simpy.events import EventPriority

from pcsim.machine.core.state import PIECE, WAIT_KIND
from pcsim.machine.lower import comes_from_buffer, lower
from pcsim.placement import SETUP, TaskKind
from tests.oracles.reference_unit import Need, Unit


class Machine:
    """Its life: made, ``run`` once, then read: ``busy``, ``stalled`` and ``free_at`` of each unit."""

    def __init__(self, placement, hardware, *, cold):
        self.tasks, self.hardware, self.cold = placement.tasks, hardware, cold
        self.lowered = lower(placement.tasks, hardware)
        self.by_rows = hardware.tiles.handover == "rows"
        self.gates = hardware.tiles.gates()
        self.env = simpy.Environment()
        self.results = Results(self.env)
        self.network = Network(self.env)
        self.windows = {tile: Window(room) for tile, room in placement.windows.items()}
        self.units = [Unit(self, index) for index in range(len(self.tasks.units))]

    def run(self):
        """Cycles until all queues are empty and all results are there."""
        if not self.cold:
            self.begin_warm()
        for unit in self.units:
            self.env.process(unit.run())
        self.env.run()
        self.busy = [unit.busy for unit in self.units]
        self.stalled = [unit.stalled for unit in self.units]
        self.free_at = [unit.free_at for unit in self.units]
        return int(self.env.now)

    def begin_warm(self):
        """What a cold start brings is there, and windows hold what the update before left in them."""
        for task, phase in enumerate(self.tasks.phase):
            if phase == SETUP:
                self.results.ends[task].append(0)
                self.results.first_rows[task].append(0)
        for unit in self.units:
            for task, _ in unit.queue:
                if self.tasks.kind[task] == TaskKind.WEIGHTS:
                    unit.window.use(self.tasks.layer[task], self.tasks.size_bytes[task])

    def queue(self, index):
        """All (task, instance) of a unit, in the order of their turns."""
        tasks, listed = self.tasks, []
        for task in range(len(tasks)):
            if tasks.unit[task] == index and (self.cold or tasks.phase[task] != SETUP):
                turn = tasks.turns[tasks.turn[task]]
                for instance in range(int(tasks.first[task]), int(tasks.last[task]) + 1):
                    listed.append((tasks.phase[task], turn.key(instance), task, instance))
        return [(task, instance) for *_, task, instance in sorted(listed)]

    def needs(self, task, instance):
        """What this instance of ``task`` waits for."""
        tasks, found = self.tasks, []
        for at in range(tasks.needs_start[task], tasks.needs_start[task + 1]):
            needed = int(tasks.needs_task[at])
            wanted = min(instance - int(tasks.needs_back[at]), int(tasks.last[needed]))
            after = self.lowered.after[at] if self.lowered.after[at] >= 0 else None
            found.append(Need(needed, wanted - int(tasks.first[needed]) + 1, after))
        return found

    def flits(self, task, instance):
        """What this instance of a transfer sends."""
        if task in self.lowered.flits_of:
            return self.lowered.flits_of[task][instance - self.tasks.first[task]]
        return self.lowered.flits[task]

    def pieces(self, task, whole):
        """A task that yields asks for one short piece after another, so that others come between them."""
        if self.by_rows and self.tasks.yields[task]:
            return [min(PIECE, whole - done) for done in range(0, whole, PIECE)]
        return [whole] if whole else []

    def links(self, route):
        """Of each link on the way the cycles until the head of a transfer is there."""
        noc = self.hardware.noc
        return [
            (link, hops * noc.router_latency_cycles + wire * noc.link_latency_cycles)
            for link, hops, wire in zip(route.links, route.hops, route.wires, strict=True)
        ]

    def waits_for(self, task):
        """What a unit is said to wait for when it waits for ``task``."""
        if task in self.tasks.users and comes_from_buffer(self.tasks, int(self.tasks.route[task])):
            return "buffer"
        return WAIT_KIND[self.tasks.kind[task]]


class Results:
    """Of each task the times at which its instances ended, and those at which their first rows were there."""

    def __init__(self, env):
        self.env = env
        self.ends, self.first_rows = defaultdict(list), defaultdict(list)
        self.changed = env.event()

    def times(self, need):
        """When came what ``need`` asks for?"""
        return self.ends[need.task] if need.after is None else self.first_rows[need.task]

    def wait(self, needs):
        """Wait until all needs are met."""
        while any(len(self.times(need)) < need.count for need in needs):
            yield self.changed

    def end(self, task, at):
        """One more instance of ``task`` ends at this time."""
        self.env.process(self.add(self.ends[task], at))

    def first_row(self, task, at):
        """The first row of one more instance of ``task`` is there at this time."""
        self.env.process(self.add(self.first_rows[task], at))

    def add(self, times, at):
        if at > self.env.now:
            yield self.env.timeout(at - self.env.now)
        times.append(self.env.now)
        self.changed.succeed()
        self.changed = self.env.event()


class Network:
    """All links, and the channels of memories where weights stream. Each remembers when it was taken."""

    def __init__(self, env):
        self.env = env
        self.requests, self.taken = [], defaultdict(list)

    def ask(self, rank, links, flits):
        """An event that comes when the request is served, and says from when on it may send."""
        if not self.requests:
            self.at_the_end_of_this_instant(self.serve)
        granted = self.env.event()
        self.requests.append((rank, links, flits, granted))
        return granted

    def at_the_end_of_this_instant(self, call):
        """An event of a priority below all others comes after them."""
        event = self.env.event()
        event._ok, event._value = True, None
        event.callbacks.append(call)
        self.env.schedule(event, EventPriority(2))

    def serve(self, _):
        """Serve the requests of this instant in the order of their ranks."""
        requests, self.requests = sorted(self.requests, key=lambda request: request[0]), []
        for _, links, flits, granted in requests:
            start = self.first_fit(links, flits)
            for link, behind in links:
                self.taken[link].append((start + behind, start + behind + flits))
            granted.succeed(start)

    def first_fit(self, links, flits):
        """The earliest time to send at which every link is free from when the head gets there."""
        start = self.env.now
        while later := [
            end - behind
            for link, behind in links
            for begin, end in self.taken[link]
            if begin < start + behind + flits and start + behind < end
        ]:
            start = max(later)
        return start


class Window:
    """The layers whose weights a tile holds where weights stream: those that it used last."""

    def __init__(self, room):
        self.room, self.held = room, OrderedDict()
        self.last_use = {}

    def use(self, layer, size_bytes):
        """None if the layer is there, else those that it pushes out."""
        if layer in self.held:
            self.held.move_to_end(layer)
            return None
        pushed_out = []
        while sum(self.held.values()) + size_bytes > self.room:
            pushed_out.append(self.held.popitem(last=False)[0])
        self.held[layer] = size_bytes
        return pushed_out
