"""The machine once more, plainly: a SimPy process per unit, queues that are listed, links that forget nothing.

What it shares with the package is what tasks are and how many cycles a closed form gives each of them. Slow and
as large as the number of steps; it is there to be compared with.
"""

from collections import Counter, OrderedDict, defaultdict

import simpy
from simpy.events import EventPriority

from pcsim.machine.core.state import PIECE, WAIT_KIND
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
        self.by_rows = hardware.tiles.handover == "rows"
        self.ended, self.flowed = defaultdict(list), defaultdict(list)
        for task, phase in enumerate(self.tasks.phase):
            if phase == SETUP and not cold:
                self.ended[task].append(0)
                self.flowed[task].append(0)
        self.changed = self.env.event()
        self.asked, self.taken = [], defaultdict(list)
        units = len(self.tasks.units)
        self.busy, self.gated, self.free_at = [0] * units, [0] * units, [0] * units
        self.stalled = [Counter() for _ in range(units)]
        self.held = [0] * units
        self.streams = bool(placement.windows)
        self.room = dict(placement.windows)
        self.seats = {tile: OrderedDict() for tile in placement.windows}
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
            free, kind = self.env.now, self.tasks.kind[task]
            needs = self.needs(task, instance)
            yield from self.until(needs)
            met, firsts = self.env.now, self.first_rows(needs)
            # After its last task it may have to make ready for the next; a transfer is set up while it waits.
            held, setup = (
                max(0, self.held[index] - self.cycles.load[task]),
                self.cycles.busy[task] if kind == TaskKind.TRANSFER else 0,
            )
            self.stalled[index]["array"] += held
            begin = max(met, free + held + setup if self.by_rows else free)
            yield self.env.timeout(begin - met)
            waited = begin - free - held - (setup if self.by_rows else 0)
            if waited > 0:
                times = [(self.there(need)[need[1] - 1], need[0]) for need in needs if need[1] > 0]
                self.stalled[index][self.waits_for(max(times)[1])] += waited
            self.held[index], now = 0, self.env.now
            rows = [
                need for need in needs if need[2] is not None and len(self.ended[need[0]]) < need[1]
            ]
            if kind == TaskKind.WEIGHTS:
                yield from self.bring(index, task, instance)
            elif kind == TaskKind.TRANSFER:
                self.busy[index] += setup
                if not self.by_rows:
                    yield self.env.timeout(setup)
                yield from self.send(index, task, instance, rows, firsts)
            elif kind in MEMORIES and self.streams:
                node, delay = self.tasks.units[index].node, self.cycles.delay[task]
                start, busy, whole = yield from self.occupy(index, task, node)
                head = self.cycles.head[task] if whole else None
                yield from self.pass_rows(index, task, rows, firsts, start, busy, head, delay)
            else:
                idle = now - free - held
                if gate is not None and idle > gate.after_cycles:
                    self.gated[index] += idle - gate.after_cycles
                    self.stalled[index]["wake"] += gate.wake_cycles
                    yield self.env.timeout(gate.wake_cycles)
                busy, head = self.cycles.busy[task], self.cycles.head[task]
                delay = self.cycles.delay[task]
                now = self.env.now
                yield from self.pass_rows(index, task, rows, firsts, now, busy, head, delay)
                self.held[index] = self.cycles.hold[task]
            self.free_at[index] = self.env.now

    def needs(self, task, instance):
        """Of each need its task, how often it must have ended, and None; or how often its first row must have come,
        and for how long the work goes on after its end."""
        tasks, found = self.tasks, []
        for at in range(tasks.needs_start[task], tasks.needs_start[task + 1]):
            need = int(tasks.needs_task[at])
            wanted = instance - int(tasks.needs_back[at])
            after = self.cycles.after[at] if self.cycles.after[at] >= 0 else None
            count = min(wanted, int(tasks.last[need])) - int(tasks.first[need]) + 1
            found.append((need, count, after))
        return found

    def first_rows(self, needs):
        """Of needs that are met by a first row when that was there, if it is the last of its kind."""
        return [
            (need, self.flowed[need][-1])
            for need, count, after in needs
            if after is not None and len(self.flowed[need]) == count > 0
        ]

    def there(self, need):
        return self.ended[need[0]] if need[2] is None else self.flowed[need[0]]

    def until(self, needs):
        while any(len(self.there(need)) < need[1] for need in needs):
            yield self.changed

    def end_in(self, task, cycles):
        self.env.process(self.comes(self.ended[task], cycles))

    def comes(self, times, cycles):
        if cycles:
            yield self.env.timeout(cycles)
        times.append(self.env.now)
        self.changed.succeed()
        self.changed = self.env.event()

    def pass_rows(self, index, task, rows, firsts, start, cycles, first, delay, at_least=0):
        """Work from ``start`` on until all ``rows`` have come and passed; the result is there ``delay`` later."""
        spread, slow = self.cycles.spread[task], self.cycles.slow[task]
        shown, late = first is not None and self.cycles.head[task] >= 0, self.cycles.late[task]
        flows = start + (first or 0)
        if spread >= 0:
            flows = max([flows, *(came + spread for _, came in firsts)])
        if shown and not (rows and late >= 0):
            self.env.process(self.comes(self.flowed[task], flows - self.env.now))
        yield self.env.timeout(max(0, start - self.env.now))
        ends, cause, last = max(start + cycles, at_least), task, 0
        for need, came in sorted(firsts):
            if slow >= 0 and came + slow >= ends and came + slow > start + cycles:
                ends, cause = came + slow, need
        for need, count, after in sorted(rows):
            yield from self.until([(need, count, None)])
            came = self.ended[need][count - 1]
            last = max(last, came)
            if came + after >= ends and came + after > start + cycles:
                ends, cause = came + after, need
        if shown and rows and late >= 0:
            flows = max(flows, last + late)
            self.env.process(self.comes(self.flowed[task], flows - self.env.now))
        self.busy[index] += cycles
        if ends > start + cycles:
            self.stalled[index][self.waits_for(cause)] += ends - start - cycles
        self.end_in(task, ends + delay - self.env.now)
        yield self.env.timeout(ends - self.env.now)

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

    def send(self, index, task, instance, rows, firsts, at_least=0, came=0):
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
        passed, pieces = 0, self.pieces(task, flits)
        start = asked = self.env.now
        for flits in pieces:
            yield self.env.timeout(asked - self.env.now)
            start = yield self.request(task, ways, flits)
            self.stalled[index]["noc"] += start - asked
            if passed + flits < sum(pieces):
                self.busy[index] += flits
            passed, asked = passed + flits, start + flits
        weights = self.tasks.kind[task] == TaskKind.WEIGHTS
        piece = self.cycles.head[task]
        if weights:
            piece = self.cycles.loads[task].piece if self.by_rows else 0
        first = max(flight + max(0, piece - 1), came + flight - start)
        delay = flight - (1 if flits else 0)
        yield from self.pass_rows(index, task, rows, firsts, start, flits, first, delay, at_least)

    # Weights that stream.

    def occupy(self, index, task, node):
        """When the channel is occupied from, for the last piece, and how long that is."""
        start, cycles = self.env.now, 0
        asked, pieces = start, self.pieces(task, self.cycles.busy[task])
        for at, cycles in enumerate(pieces):
            yield self.env.timeout(asked - self.env.now)
            start = yield self.request(task, [(Link("home", node, node), 0)], cycles)
            self.stalled[index][self.waits_for(task)] += start - asked
            if at == 0 and len(pieces) > 1 and self.cycles.head[task] >= 0:
                first = start + self.cycles.head[task] - self.env.now
                self.env.process(self.comes(self.flowed[task], first))
            if at < len(pieces) - 1:
                self.busy[index] += cycles
            asked = start + cycles
        return start, cycles, len(pieces) <= 1

    def pieces(self, task, whole):
        """What lets others pass asks for one short piece after another."""
        if not (self.by_rows and self.tasks.yields[task]):
            return [whole] if whole else []
        return [min(PIECE, whole - at) for at in range(0, whole, PIECE)]

    def use(self, task):
        """None if the layer is there, else those that are pushed out."""
        tile = self.tasks.units[self.tasks.unit[task]].node
        held, layer = self.seats[tile], int(self.tasks.layer[task])
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
            self.env.process(self.comes(self.flowed[task], 0))
            self.end_in(task, 0)
            return
        self.loads[task] += 1
        asked = self.env.now
        yield from self.until([(user, count, None) for user, count in uses])
        self.stalled[index]["array"] += self.env.now - asked
        asked = self.env.now
        source = self.tasks.routes[self.tasks.route[task]].source
        before = self.stalled[index].copy()
        start, _, _ = yield from self.occupy(index, task, source)
        self.stalled[index] = before
        begin, ends, came = start + self.cycles.busy[task] + self.cycles.delay[task], 0, 0
        if self.by_rows:
            loading = self.cycles.loads[task]
            ends, came = begin + loading.tail, start + loading.came
            begin = max(start + loading.lead - self.setup, asked)
        self.stalled[index][self.waits_for(task)] += begin - asked
        yield self.env.timeout(begin - self.env.now)
        yield from self.work(index, self.setup)
        yield from self.send(index, task, instance, [], [], ends, came)
