"""The life of a unit, in plain SimPy: take the next task, wait for what it needs, work, hand on.

The machine around it is in reference_machine.py; docs/timing.md walks through both files.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from pcsim.placement import Link, TaskKind

MEMORIES = {
    TaskKind.DRAM_READ,
    TaskKind.DRAM_WRITE,
    TaskKind.BUFFER_READ,
    TaskKind.BUFFER_WRITE,
}


class Need(NamedTuple):
    """``task`` must have ended ``count`` times. Unless ``after`` is None, its first row must have come that often; who
    needs it then works on for ``after`` cycles behind its end."""

    task: int
    count: int
    after: int | None


@dataclass
class Job:
    """One instance of a task, in the hands of its unit."""

    task: int
    instance: int
    needs: list[Need]
    first_rows: list[tuple[int, int]] = field(default_factory=list)
    """(Task, time) of first rows that came for this instance and for none after it."""
    coming: list[Need] = field(default_factory=list)
    """Needs of which rows are still to come when the work begins."""


class Unit:
    """An array, a vector or update unit, a memory channel, or a DMA channel of a tile."""

    def __init__(self, machine, index):
        self.machine, self.env, self.results = machine, machine.env, machine.results
        self.tasks, self.lowered = machine.tasks, machine.lowered
        kind, self.node, _ = machine.tasks.units[index]
        self.queue = machine.queue(index)
        self.gate = machine.gates.get(kind)
        self.window = machine.windows.get(self.node)
        self.busy, self.stalled, self.free_at = 0, Counter(), 0
        self.occupied = 0
        """Cycles after its last work in which it cannot begin another."""

    def run(self):
        """The life of a unit: take the next task, wait for what it needs, work, hand on."""
        for task, instance in self.queue:
            job = Job(task, instance, self.machine.needs(task, instance))
            idle = yield from self.wait(job)
            job.coming = [need for need in job.needs if self.rows_come(need)]
            yield from self.work(job, idle)
            self.free_at = self.env.now

    def wait(self, job):
        """Wait for what ``job`` needs, and until the unit is ready; returns for how long it was idle."""
        occupied = max(0, self.occupied - self.lowered.load[job.task])
        ready = self.env.now + occupied + self.early_setup(job.task)
        yield from self.results.wait(job.needs)
        job.first_rows = [
            (need.task, self.results.first_rows[need.task][-1])
            for need in job.needs
            if need.after is not None and len(self.results.first_rows[need.task]) == need.count > 0
        ]
        idle = max(0, self.env.now - ready)
        yield from self.until(max(self.env.now, ready))
        self.stalled["array"] += occupied
        if idle:
            self.stalled[self.machine.waits_for(self.met_last(job.needs))] += idle
        self.occupied = 0
        return idle

    def rows_come(self, need):
        """Whether rows of what is needed are still to come."""
        return need.after is not None and len(self.results.ends[need.task]) < need.count

    def met_last(self, needs):
        """The task among these that came last, as it was waited for longest."""
        met = [need for need in needs if need.count > 0]
        return max((self.results.times(need)[need.count - 1], need.task) for need in met)[1]

    def early_setup(self, task):
        """Where rows are handed on a transfer is set up before its first row comes."""
        early = self.machine.by_rows and self.tasks.kind[task] == TaskKind.TRANSFER
        return self.lowered.busy[task] if early else 0

    def until(self, time):
        yield self.env.timeout(time - self.env.now)

    def work(self, job, idle):
        """What a task of this kind asks for."""
        kind = self.tasks.kind[job.task]
        if kind == TaskKind.WEIGHTS:
            yield from self.bring(job)
        elif kind == TaskKind.TRANSFER:
            yield from self.transfer(job)
        elif kind in MEMORIES and self.machine.windows:
            yield from self.access(job)
        else:
            yield from self.compute(job, idle)

    def compute(self, job, idle):
        """Work for the cycles of the task's closed form."""
        if self.gate is not None and idle > self.gate.after_cycles:
            self.stalled["wake"] += self.gate.wake_cycles
            yield self.env.timeout(self.gate.wake_cycles)
        task, known = job.task, self.lowered
        yield from self.pass_rows(
            job, self.env.now, known.busy[task], known.head[task], known.delay[task]
        )
        self.occupied = known.hold[task]

    def pass_rows(self, job, start, cycles, first, delay, *, at_least=0):
        """Work from ``start`` on for so many cycles, and on until all rows have come and passed. The first row is
        there ``first`` cycles after the start (None: it was told before), all of the result ``delay`` cycles after
        the end."""
        task, known = job.task, self.lowered
        shown = first is not None and known.head[task] >= 0
        after_the_last = bool(job.coming) and known.late[task] >= 0
        flows = [start + (first or 0)]
        ends = [(start + cycles, task), (at_least, task)]
        for needed, came in job.first_rows:
            if known.spread[task] >= 0:
                flows.append(came + known.spread[task])
            if known.slow[task] >= 0:
                ends.append((came + known.slow[task], needed))
        if shown and not after_the_last:
            self.results.first_row(task, max(flows))
        yield from self.until(max(self.env.now, start))
        for need in job.coming:
            came = yield from self.last_row(need)
            flows.append(came + known.late[task])
            ends.append((came + need.after, need.task))
        if shown and after_the_last:
            self.results.first_row(task, max(flows))
        end, cause = max(ends)
        self.busy += cycles
        self.stalled[self.machine.waits_for(cause)] += end - start - cycles
        self.results.end(task, end + delay)
        yield from self.until(end)

    def last_row(self, need):
        """Wait for the end of what is needed; returns when that was."""
        yield from self.results.wait([need._replace(after=None)])
        return self.results.ends[need.task][need.count - 1]

    def transfer(self, job):
        """Set up, then send."""
        setup = self.lowered.busy[job.task]
        self.busy += setup
        yield self.env.timeout(setup - self.early_setup(job.task))
        waited = yield from self.send(job, self.lowered.head[job.task])
        self.stalled["noc"] += waited

    def send(self, job, piece, *, came=0, at_least=0):
        """Ask for all links of the route, then send; returns for how long it waited for them. The first row has
        ``piece`` flits, and has not left before it ``came``."""
        route = self.tasks.routes[self.tasks.route[job.task]]
        links = self.machine.links(route)
        flight = max(behind for _, behind in links)
        flits = self.machine.flits(job.task, job.instance)
        in_pieces = len(self.machine.pieces(job.task, flits)) > 1
        early = (
            flight + max(0, piece - 1) if in_pieces and self.lowered.head[job.task] >= 0 else None
        )
        start, flits, waited = yield from self.occupy(job.task, links, flits, first=early)
        first = None if in_pieces else flight + max(0, piece - 1, came - start)
        delay = flight - (1 if flits else 0)
        yield from self.pass_rows(job, start, flits, first, delay, at_least=at_least)
        return waited

    def occupy(self, task, links, cycles, *, first=None):
        """Occupy these links, piece by piece. Returns when the last piece starts, its cycles, and for how long
        all pieces waited. The first row is there ``first`` cycles after the first piece starts."""
        rank = self.tasks.layer[task], task
        start, piece, waited, asked = self.env.now, 0, 0, self.env.now
        pieces = self.machine.pieces(task, cycles)
        for at, piece in enumerate(pieces):
            yield from self.until(asked)
            start = yield self.machine.network.ask(rank, links, piece)
            if at == 0 and first is not None:
                self.results.first_row(task, start + first)
            waited, asked = waited + start - asked, start + piece
        self.busy += sum(pieces[:-1])
        return start, piece, waited

    def access(self, job):
        """A memory channel that others may need, as weights live there, is asked for as a link is."""
        task, known = job.task, self.lowered
        busy, head = known.busy[task], known.head[task]
        in_pieces = len(self.machine.pieces(task, busy)) > 1
        early = head if in_pieces and head >= 0 else None
        start, last, waited = yield from self.occupy(task, channel(self.node), busy, first=early)
        self.stalled[self.machine.waits_for(task)] += waited
        first = None if in_pieces else head
        yield from self.pass_rows(job, start, last, first, known.delay[task])

    def bring(self, job):
        """Weights that stream: if they are not in the tile's window, wait for a place, read them, send them."""
        task = job.task
        pushed_out = self.use(job)
        if pushed_out is None:
            self.results.first_row(task, self.env.now)
            self.results.end(task, self.env.now)
            return
        asked = self.env.now
        yield from self.results.wait(pushed_out)
        self.stalled["array"] += self.env.now - asked
        yield from self.read_and_send(job)

    def use(self, job):
        """None if the weights are there; else the last uses of those that they push out."""
        task, window, user = job.task, self.window, self.tasks.users[job.task]
        layer = self.tasks.layer[task]
        pushed_out = window.use(layer, self.tasks.size_bytes[task])
        uses = [window.last_use[out] for out in pushed_out or () if out in window.last_use]
        window.last_use[layer] = Need(user, job.instance - self.tasks.first[user] + 1, None)
        return None if pushed_out is None else uses

    def read_and_send(self, job):
        """Through the channel of the memory that the weights live in, then over the network: all of them after one
        another, or chunk by chunk where rows are handed on."""
        task, asked, setup = job.task, self.env.now, self.machine.hardware.tiles.dma.setup_cycles
        source = self.tasks.routes[self.tasks.route[task]].source
        read = self.lowered.busy[task]
        start, _, _ = yield from self.occupy(task, channel(source), read)
        if self.machine.by_rows:
            loading = self.lowered.loads[task]
            begin = max(start + loading.lead - setup, asked)
            piece, came = loading.piece, start + loading.came
            at_least = start + read + self.lowered.delay[task] + loading.tail
        else:
            begin, piece, came, at_least = start + read + self.lowered.delay[task], 0, 0, 0
        self.stalled[self.machine.waits_for(task)] += begin - asked
        yield from self.until(begin + setup)
        self.busy += setup
        waited = yield from self.send(job, piece, came=came, at_least=at_least)
        self.stalled["noc"] += waited


def channel(node):
    """A memory's channel, as a way of one link."""
    return [(Link("home", node, node), 0)]
