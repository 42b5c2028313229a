"""What does a unit do at an event? Its life: take, wait, begin, work, hand on.

A unit takes its next task when it is known when it will be free, and begins it when it is free and the
needs are met, whichever is later. It is waiting (``missing`` needs of its current task), working (an
event will come for it), or done (its queue is empty).

A load of streamed weights is a task of several stages: at its time it looks whether the weights are
there; if not, it waits until what they push out has been used for the last time, then for the channel
of the memory they live in, then for the network.
"""

from __future__ import annotations

from pcsim.compiled.jit import borrowing, jit
from pcsim.machine.core.network import ask, collect, flight_cycles, no_intervals, reserve
from pcsim.machine.core.records import NONE
from pcsim.machine.core.state import (
    ARBITRATION,
    ARRAY,
    AT_HOME,
    BEGIN,
    CHANNEL,
    DONE,
    FOUND,
    LOOK,
    NOC,
    OVER,
    PLACE,
    ROOM,
    SEND,
    TAKE,
    TASK_ENDS,
    TRANSFER,
    UNIT_DUE,
    WAKE,
    WEIGHTS,
    WORKED,
)
from pcsim.machine.core.turns import fill_all, next_turn
from pcsim.machine.core.window import THERE, use


@borrowing
def _emit(chip, kind, cycles, what):
    """Hand out an event that comes in so many cycles."""
    emitted = chip.scalar[0].emitted
    chip.events[emitted, 0] = kind
    chip.events[emitted, 1] = cycles
    chip.events[emitted, 2] = what
    chip.scalar[0].emitted = emitted + 1


@borrowing
def _to_do(chip, unit):
    """Let ``unit`` do at this instant what its stage says."""
    scalar = chip.scalar[0]
    chip.units[(scalar.first_to_do + scalar.to_do) % len(chip.units)].to_do = unit
    scalar.to_do += 1


@borrowing
def _wait_for(chip, unit, need, count):
    """Let ``unit`` wait until ``need`` has ended ``count`` times, if it has not."""
    if chip.tasks[need].ended >= count:
        return
    mine = chip.units[unit]
    slot = mine.slots + mine.missing
    chip.slots[slot].count = count
    chip.slots[slot].unit = unit
    chip.slots[slot].next = chip.tasks[need].waiting
    chip.tasks[need].waiting = slot
    mine.missing += 1


@borrowing
def _free(chip, unit, free_at):
    """Let ``unit`` take its next task; it is free for it from ``free_at`` on."""
    chip.units[unit].free_at = free_at
    chip.units[unit].stage = TAKE
    _to_do(chip, unit)


@borrowing
def _take(chip, unit):
    """Take the next task of the queue and see what it waits for."""
    mine = chip.units[unit]
    if next_turn(chip.tasks, mine):
        task, instance = chip.tasks[mine.task], mine.instance
        mine.missing = 0
        mine.stage = BEGIN
        for at in range(task.needs, task.fixed):
            need = chip.needs[at]
            _wait_for(chip, unit, need.task, min(instance + need.base, need.most))
        if instance == task.first:  # Afterwards they have ended for good.
            for at in range(task.fixed, task.needs_end):
                _wait_for(chip, unit, chip.needs[at].task, chip.needs[at].most)
        if not mine.missing:
            _to_do(chip, unit)
    else:
        mine.stage = DONE


@borrowing
def _end(chip, task):
    """One more instance of ``task`` has ended; tell who waits for it."""
    row, now = chip.tasks[task], chip.scalar[0].now
    row.ended += 1
    slot, row.waiting = row.waiting, NONE
    while slot != NONE:
        waiter = chip.slots[slot]
        after = waiter.next
        if waiter.count > row.ended:
            waiter.next = row.waiting
            row.waiting = slot
        else:
            mine = chip.units[waiter.unit]
            # Of needs met at one instant the last in the queue order counts as the last.
            if mine.last_met != now or mine.last_need < task:
                mine.last_need = task
                mine.last_met = now
            mine.missing -= 1
            if not mine.missing:
                _to_do(chip, waiter.unit)
        slot = after


@borrowing
def _end_in(chip, task, cycles):
    if cycles:
        _emit(chip, TASK_ENDS, cycles, task)
    else:
        _end(chip, task)


@borrowing
def _write_down(chip, unit, start, cycles):
    """Where spans are asked for."""
    if len(chip.spans):
        at = chip.scalar[0].spans
        chip.spans[at, 0] = chip.units[unit].task
        chip.spans[at, 1] = chip.units[unit].instance
        chip.spans[at, 2] = start
        chip.spans[at, 3] = cycles
        chip.scalar[0].spans = at + 1


@borrowing
def _work(chip, unit, start, cycles):
    """The unit works on its task from ``start`` on."""
    chip.units[unit].busy += cycles
    _write_down(chip, unit, start, cycles)


@borrowing
def _woken(chip, unit, begin):
    """Cycles until the supply of ``unit`` is back, if it was cut while it was idle."""
    mine = chip.units[unit]
    cut = begin - mine.free_at - mine.gate_after
    if mine.gate_after == NONE or cut <= 0:
        return 0
    mine.gated += cut
    chip.units[unit].stalled[WAKE] += mine.gate_wake
    return mine.gate_wake


@borrowing
def _begin(chip, unit):
    """Begin the task whose needs are met."""
    mine, now = chip.units[unit], chip.scalar[0].now
    task = chip.tasks[mine.task]
    begin = max(now, mine.free_at)
    if begin > mine.free_at:
        chip.units[unit].stalled[chip.tasks[mine.last_need].wait_kind] += begin - mine.free_at
    if task.course == TRANSFER:
        _work(chip, unit, begin, task.busy)
        _send_from(chip, unit, begin + task.busy)
    elif task.course == WEIGHTS:
        mine.stage = LOOK
        if begin > now:
            _emit(chip, UNIT_DUE, begin - now, unit)
        else:
            _to_do(chip, unit)
    elif task.course == AT_HOME:
        # Loads that nobody foresaw may be in the way.
        mine.asked = now
        mine.stage = CHANNEL
        _to_do(chip, unit)
    else:
        woken = _woken(chip, unit, begin)
        _work(chip, unit, begin + woken, task.busy)
        _work_until(chip, unit, begin + woken + task.busy)


@borrowing
def _work_until(chip, unit, end):
    """The unit is at work until then; what comes next is that its work has ended."""
    chip.units[unit].stage = WORKED
    if end > chip.scalar[0].now:
        _emit(chip, UNIT_DUE, end - chip.scalar[0].now, unit)
    else:
        _to_do(chip, unit)


@borrowing
def _worked(chip, unit):
    """The unit's work has come to its end."""
    task = chip.units[unit].task
    _end_in(chip, task, chip.tasks[task].delay)
    _free(chip, unit, chip.scalar[0].now)


# Transfers.


@borrowing
def _send_from(chip, unit, at):
    chip.units[unit].asked = at
    chip.units[unit].stage = SEND
    _to_do(chip, unit)


@borrowing
def _send(chip, unit):
    """Send as soon as the network lets."""
    mine, now = chip.units[unit], chip.scalar[0].now
    task = chip.tasks[mine.task]
    flits = task.flits
    if task.own_flits != NONE:
        flits = chip.flits[task.own_flits + mine.instance - task.first]
    if flits:
        ask(chip.network, unit, mine.asked, task.rank, task.way, flits)
        _emit(chip, ARBITRATION, mine.asked - now, 0)
    else:
        # A free link carries any size at once; there is nothing to arbitrate.
        _end_in(chip, mine.task, mine.asked + flight_cycles(chip.network, task.way, 0) - now)
        _free(chip, unit, mine.asked)


@borrowing
def _granted(chip, unit, start):
    """The network has said when what was asked for starts: then all that follows is known."""
    mine, now = chip.units[unit], chip.scalar[0].now
    task = chip.tasks[mine.task]
    if mine.stage == SEND:
        flits = chip.network.requests[unit].flits
        _end_in(chip, mine.task, start + flight_cycles(chip.network, task.way, flits) - now)
        chip.units[unit].stalled[NOC] += start - mine.asked
        _work(chip, unit, start, flits)
        _free(chip, unit, start + flits)
    else:
        _through_channel(chip, unit, start)


# Weights that stream through a tile's window.


@borrowing
def _look(chip, unit):
    """Go on if the weights are there; else bring them when their place is free."""
    mine, scalar = chip.units[unit], chip.scalar[0]
    task = chip.tasks[mine.task]
    out = _use(chip, mine.window, task.seat, task.size_bytes)
    seat = chip.seats[task.seat]
    seat.user = task.user
    seat.count = mine.instance - chip.tasks[task.user].first + 1
    if out == THERE:
        _write_down(chip, unit, scalar.now, FOUND)
        _end(chip, mine.task)
        _free(chip, unit, scalar.now)
    else:
        task.loads += 1
        mine.asked = scalar.now
        mine.stage = PLACE
        for index in range(out):
            pushed = chip.seats[chip.seats[index].pushed_out]
            if pushed.count > chip.tasks[pushed.user].ended:
                mine.last_need = pushed.user
            _wait_for(chip, unit, pushed.user, pushed.count)
        if not mine.missing:
            _to_do(chip, unit)


@borrowing
def _place_free(chip, unit):
    """What is pushed out has been used for the last time: read the weights where they live."""
    mine, now = chip.units[unit], chip.scalar[0].now
    chip.units[unit].stalled[ARRAY] += now - mine.asked
    mine.asked = now
    mine.stage = CHANNEL
    _to_do(chip, unit)


@borrowing
def _to_channel(chip, unit):
    """Occupy the channel of the memory that the weights live in, or the global buffer."""
    now, task = chip.scalar[0].now, chip.tasks[chip.units[unit].task]
    if task.busy:
        ask(chip.network, unit, now, task.rank, task.home, task.busy)
        _emit(chip, ARBITRATION, 0, 0)
    else:
        _through_channel(chip, unit, now)


@borrowing
def _through_channel(chip, unit, start):
    """The channel is occupied from ``start`` on."""
    mine = chip.units[unit]
    task, setup = chip.tasks[mine.task], chip.scalar[0].setup
    if task.course == WEIGHTS:
        brought = start + task.busy + task.delay
        chip.units[unit].stalled[task.wait_kind] += brought - mine.asked
        _work(chip, unit, brought, setup)
        _send_from(chip, unit, brought + setup)
    else:
        chip.units[unit].stalled[task.wait_kind] += start - mine.asked
        _work(chip, unit, start, task.busy)
        _work_until(chip, unit, start + task.busy)


@borrowing
def _use(chip, window, seat, size_bytes):
    """As `window.use`, counting uses."""
    chip.scalar[0].uses += 1
    uses = chip.scalar[0].uses
    return use(chip.windows, chip.seats, window, seat, size_bytes, uses)


@borrowing
def _fill_windows(chip):
    """In the steady state a window holds what the update before left in it."""
    for unit in range(len(chip.units)):
        mine = chip.units[unit]
        while mine.window != NONE and next_turn(chip.tasks, mine):
            task = chip.tasks[mine.task]
            _use(chip, mine.window, task.seat, task.size_bytes)


@jit
def course(chip, box, warm):
    """The course of one update, as a generator: it gives the number of new ``chip.events``, and is sent on with
    the event that has come, its kind, unit or task, and time in ``box``. After `ROOM` events or more it has not
    looked into the box yet and has more to give. It ends after the event OVER.
    """
    intervals = no_intervals()
    fill_all(chip.tasks, chip.units)
    if warm:
        _fill_windows(chip)
        fill_all(chip.tasks, chip.units)
    scalar = chip.scalar  # Its row would be copied whenever an event is waited for.
    for unit in range(len(chip.units)):
        _free(chip, unit, 0)
    while True:
        while scalar[0].to_do:
            unit = chip.units[scalar[0].first_to_do].to_do
            scalar[0].first_to_do = (scalar[0].first_to_do + 1) % len(chip.units)
            scalar[0].to_do -= 1
            stage = chip.units[unit].stage
            if stage == TAKE:
                _take(chip, unit)
            elif stage == BEGIN:
                _begin(chip, unit)
            elif stage == WORKED:
                _worked(chip, unit)
            elif stage == SEND:
                _send(chip, unit)
            elif stage == LOOK:
                _look(chip, unit)
            elif stage == PLACE:
                _place_free(chip, unit)
            else:
                _to_channel(chip, unit)
            if scalar[0].emitted >= ROOM:
                yield scalar[0].emitted
                scalar[0].emitted = 0
        yield scalar[0].emitted
        scalar[0].emitted = 0
        kind, what, scalar[0].now = box[0], box[1], box[2]
        if kind == OVER:
            return
        if kind == UNIT_DUE:
            _to_do(chip, what)
        elif kind == TASK_ENDS:
            _end(chip, what)
        else:
            asked = collect(chip.network, scalar[0].now)
            for place in range(asked):
                unit = chip.network.requests[place].served
                intervals, start = reserve(chip.network, intervals, unit, scalar[0].now)
                _granted(chip, unit, start)
                if scalar[0].emitted >= ROOM:
                    yield scalar[0].emitted
                    scalar[0].emitted = 0
