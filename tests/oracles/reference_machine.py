"""The machine once more, plainly: a SimPy process per unit, queues that are listed, links that forget nothing.

What it shares with the package is what tasks are and how many cycles a closed form gives each of them. Slow and
as large as the number of steps; it is there to be compared with.
"""

from collections import Counter, OrderedDict, defaultdict

import simpy
from simpy.events import EventPriority

from pcsim.machine.core.state import WAIT_KIND
from pcsim.machine.lower import comes_from_buffer, lower
from pcsim.placement import SETUP, Link, TaskKind

MEMORIES = {
    TaskKind.DRAM_READ,
    TaskKind.DRAM_WRITE,
    TaskKind.BUFFER_READ,
    TaskKind.BUFFER_WRITE,
}


class Machine:
    """Its life: made, ``run`` once, then read: ``busy``, ``stalled``, ``gated`` by unit, ``loads`` by task."""

    def __init__(self, placement, hardware, *, cold):
        self.tasks, self.cold = placement.tasks, cold
        self.noc, self.setup = hardware.noc, hardware.tiles.dma.setup_cycles
        self.gates = hardware.tiles.gates()
        self.cycles = lower(placement.tasks, hardware)
        self.env = simpy.Environment()
        self.ended = defaultdict(list)
        for task, phase in enumerate(self.tasks.phase):
            if phase == SETUP and not cold:
                self.ended[task].append(0)
        self.changed = self.env.event()
        self.asked, self.taken = [], defaultdict(list)
        units = len(self.tasks.units)
        self.busy, self.gated, self.free_at = [0] * units, [0] * units, [0] * units
        self.stalled = [Counter() for _ in range(units)]
        self.streams = bool(placement.windows)
        self.room = dict(placement.windows)
        self.held = {tile: OrderedDict() for tile in placement.windows}
        self.last_use, self.loads = {}, Counter()

    def run(self):
        for index in range(len(self.tasks.units)):
            queue = self.queue(index)
            if not self.cold:
                for task, _ in queue:
                    if self.tasks.kind[task] == TaskKind.WEIGHTS:
                        self.use(task)
            self.env.process(self.unit(index, queue))
        self.env.run()
        return int(max(self.env.now, *self.free_at))

    def queue(self, index):
        """All (task, instance) of a unit, in turn."""
        tasks, listed = self.tasks, []
        for task in range(len(tasks)):
            if tasks.unit[task] == index and (self.cold or tasks.phase[task] != SETUP):
                turn = tasks.turns[tasks.turn[task]]
                for instance in range(int(tasks.first[task]), int(tasks.last[task]) + 1):
                    listed.append((tasks.phase[task], turn.key(instance), task, instance))
        return [(task, instance) for *_, task, instance in sorted(listed)]

    def unit(self, index, queue):
        gate = self.gates.get(self.tasks.units[index].kind)
        for task, instance in queue:
            free, now = self.env.now, self.env.now
            needs = self.needs(task, instance)
            yield from self.until(needs)
            if self.env.now > free:
                times = [(self.ended[need][count - 1], need) for need, count in needs if count > 0]
                self.stalled[index][self.waits_for(max(times)[1])] += self.env.now - free
            now, kind = self.env.now, self.tasks.kind[task]
            if kind == TaskKind.WEIGHTS:
                yield from self.bring(index, task, instance)
            elif kind == TaskKind.TRANSFER:
                yield from self.work(index, self.cycles.busy[task])
                yield from self.send(index, task, instance)
            elif kind in MEMORIES and self.streams:
                yield from self.occupy(index, task, self.tasks.units[index].node)
                self.busy[index] += self.cycles.busy[task]
                self.stalled[index][self.waits_for(task)] += (
                    self.env.now - self.cycles.busy[task] - now
                )
                self.end_in(task, self.cycles.delay[task])
            else:
                if gate is not None and now - free > gate.after_cycles:
                    self.gated[index] += now - free - gate.after_cycles
                    self.stalled[index]["wake"] += gate.wake_cycles
                    yield self.env.timeout(gate.wake_cycles)
                yield from self.work(index, self.cycles.busy[task])
                self.end_in(task, self.cycles.delay[task])
            self.free_at[index] = self.env.now

    def needs(self, task, instance):
        """(task, how often it must have ended) of each need."""
        tasks, found = self.tasks, []
        for at in range(tasks.needs_start[task], tasks.needs_start[task + 1]):
            need = int(tasks.needs_task[at])
            wanted = instance - int(tasks.needs_back[at])
            found.append((need, min(wanted, int(tasks.last[need])) - int(tasks.first[need]) + 1))
        return found

    def until(self, needs):
        while any(len(self.ended[need]) < count for need, count in needs):
            yield self.changed

    def end_in(self, task, cycles):
        self.env.process(self.ends(task, cycles))

    def ends(self, task, cycles):
        if cycles:
            yield self.env.timeout(cycles)
        self.ended[task].append(self.env.now)
        self.changed.succeed()
        self.changed = self.env.event()

    def work(self, index, cycles):
        self.busy[index] += cycles
        if cycles:
            yield self.env.timeout(cycles)

    def waits_for(self, task):
        if task in self.tasks.users and comes_from_buffer(self.tasks, int(self.tasks.route[task])):
            return "buffer"
        return WAIT_KIND[self.tasks.kind[task]]

    # The network: at the end of an instant its requests are served in order.

    def request(self, task, ways, flits):
        granted = self.env.event()
        if not self.asked:
            late = self.env.event()
            late._ok, late._value = True, None
            late.callbacks.append(self.serve)
            self.env.schedule(late, EventPriority(2))
        self.asked.append((self.tasks.layer[task], task, ways, flits, granted))
        return granted

    def serve(self, _):
        asked, self.asked = sorted(self.asked, key=lambda one: one[:2]), []
        for _, _, ways, flits, granted in asked:
            start = self.env.now
            while later := [
                end - behind
                for link, behind in ways
                for begin, end in self.taken[link]
                if begin < start + behind + flits and start + behind < end
            ]:
                start = max(later)
            for link, behind in ways:
                self.taken[link].append((start + behind, start + behind + flits))
            granted.succeed(start)

    def send(self, index, task, instance):
        route = self.tasks.routes[self.tasks.route[task]]
        noc = self.noc
        ways = [
            (link, hops * noc.router_latency_cycles + wire * noc.link_latency_cycles)
            for link, hops, wire in zip(route.links, route.hops, route.wires, strict=True)
        ]
        flight = max(behind for _, behind in ways)
        flits = self.cycles.flits[task]
        if task in self.cycles.flits_of:
            flits = self.cycles.flits_of[task][instance - self.tasks.first[task]]
        if not flits:
            self.end_in(task, flight)
            return
        asked = self.env.now
        start = yield self.request(task, ways, flits)
        self.stalled[index]["noc"] += start - asked
        self.busy[index] += flits
        self.end_in(task, start + flight + flits - 1 - self.env.now)
        yield self.env.timeout(start + flits - self.env.now)

    # Weights that stream.

    def occupy(self, index, task, node):
        if cycles := self.cycles.busy[task]:
            start = yield self.request(task, [(Link("home", node, node), 0)], cycles)
            yield self.env.timeout(start + cycles - self.env.now)

    def use(self, task):
        """None if the layer is there, else those that are pushed out."""
        tile = self.tasks.units[self.tasks.unit[task]].node
        held, layer = self.held[tile], int(self.tasks.layer[task])
        if layer in held:
            held.move_to_end(layer)
            return None
        out = []
        while sum(held.values()) + self.tasks.size_bytes[task] > self.room[tile]:
            out.append((tile, held.popitem(last=False)[0]))
        held[layer] = self.tasks.size_bytes[task]
        return out

    def bring(self, index, task, instance):
        out = self.use(task)
        uses = [self.last_use[layer] for layer in out or () if layer in self.last_use]
        user = self.tasks.users[task]
        mine = self.tasks.units[index].node, int(self.tasks.layer[task])
        self.last_use[mine] = user, instance - self.tasks.first[user] + 1
        if out is None:
            self.end_in(task, 0)
            return
        self.loads[task] += 1
        asked = self.env.now
        yield from self.until(uses)
        self.stalled[index]["array"] += self.env.now - asked
        asked = self.env.now
        yield from self.occupy(index, task, self.tasks.routes[self.tasks.route[task]].source)
        if self.cycles.delay[task]:
            yield self.env.timeout(self.cycles.delay[task])
        self.stalled[index][self.waits_for(task)] += self.env.now - asked
        yield from self.work(index, self.setup)
        yield from self.send(index, task, instance)
