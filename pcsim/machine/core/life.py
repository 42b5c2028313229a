"""What does a unit do at an event? Its life: take, wait, begin, work, hand on.

A unit takes its next task when it is known when it will be free, and begins it when it is free and the
needs are met, whichever is later. It is waiting (``missing`` needs of its current task), working (an
event will come for it), or done (its queue is empty).

Where rows are handed on one by one, a need may be met by a first row. The unit then begins, takes at least as long as
with all rows there, and goes on for some cycles after the last of them (``missing`` are then those that
have not ended). So a unit never waits for one that has not begun, and no circle of waiting can close.

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
    FLOWING,
    FOUND,
    LOOK,
    NOC,
    OVER,
    PIECE,
    PLACE,
    ROOM,
    SEND,
    TAKE,
    TASK_ENDS,
    TASK_FLOWS,
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
def _slot(chip, unit, count, after, following):
    """A new slot in which ``unit`` waits, with who waits for the same."""
    mine = chip.units[unit]
    slot = mine.slots + mine.missing
    chip.slots[slot].count = count
    chip.slots[slot].unit = unit
    chip.slots[slot].after = after
    chip.slots[slot].next = following
    mine.missing += 1
    return slot


@borrowing
def _wait_for(chip, unit, need, count, after):
    """Let ``unit`` wait until ``need`` has ended ``count`` times, if it has not."""
    if chip.tasks[need].ended < count:
        chip.tasks[need].waiting = _slot(chip, unit, count, after, chip.tasks[need].waiting)


@borrowing
def _wait_to_begin(chip, unit, need, instance):
    """Let ``unit`` wait until ``need`` lets it begin its task's ``instance``."""
    count = min(instance + need.base, need.most)
    if need.after == NONE:
        _wait_for(chip, unit, need.task, count, NONE)
    elif chip.tasks[need.task].flowed < count:
        watching = chip.tasks[need.task].watching
        chip.tasks[need.task].watching = _slot(chip, unit, count, NONE, watching)


@borrowing
def _wait_for_rows(chip, unit):
    """Let ``unit``, which begins, wait for the end of all whose rows it takes."""
    mine = chip.units[unit]
    task = chip.tasks[mine.task]
    behind = task.needs_end if mine.instance == task.first else task.fixed
    mine.missing = 0
    for at in range(task.needs, behind):
        need = chip.needs[at]
        if need.after != NONE:
            count = min(mine.instance + need.base, need.most)
            _wait_for(chip, unit, need.task, count, need.after)
            needed = chip.tasks[need.task]
            if needed.flowed == count > 0:  # Else all its rows came before.
                if task.slow != NONE:
                    _last_row(chip, unit, need.task, needed.flowed_at + task.slow)
                if task.spread != NONE:
                    mine.flows = max(mine.flows, needed.flowed_at + task.spread)


@borrowing
def _free(chip, unit, free_at):
    """Let ``unit`` take its next task; it is free for it from ``free_at`` on."""
    chip.units[unit].free_at = free_at
    chip.units[unit].held = 0
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
            _wait_to_begin(chip, unit, chip.needs[at], instance)
        if instance == task.first:  # Afterwards they have ended for good.
            for at in range(task.fixed, task.needs_end):
                _wait_to_begin(chip, unit, chip.needs[at], instance)
        if not mine.missing:
            _to_do(chip, unit)
    else:
        mine.stage = DONE


@borrowing
def _tell(chip, task, slot, count):
    """Something of ``task`` has come ``count`` times: tell who waits for it, from ``slot`` on; returns who waits on."""
    now, left = chip.scalar[0].now, NONE
    while slot != NONE:
        waiter = chip.slots[slot]
        following = waiter.next
        if waiter.count > count:
            waiter.next = left
            left = slot
        else:
            mine = chip.units[waiter.unit]
            mine.missing -= 1
            if waiter.after == NONE:
                # Of needs met at one instant the last in the queue order counts as the last.
                if mine.last_met != now or mine.last_need < task:
                    mine.last_need = task
                    mine.last_met = now
                if not mine.missing:
                    _to_do(chip, waiter.unit)
            else:
                _last_row(chip, waiter.unit, task, now + waiter.after)
        slot = following
    return left


@borrowing
def _last_row(chip, unit, task, ends):
    """The last row of ``task`` has come, so that the work of ``unit`` goes on until ``ends`` at least."""
    mine = chip.units[unit]
    if ends > mine.ends or (ends == mine.ends and mine.last_need < task):
        mine.ends = ends
        mine.last_need = task
        mine.last_met = NONE
    if not mine.missing and mine.stage == FLOWING:
        _to_do(chip, unit)


@borrowing
def _end(chip, task):
    """One more instance of ``task`` has ended."""
    chip.tasks[task].ended += 1
    waiting = chip.tasks[task].waiting
    chip.tasks[task].waiting = NONE
    chip.tasks[task].waiting = _tell(chip, task, waiting, chip.tasks[task].ended)


@borrowing
def _flow(chip, task):
    """The first row of one more instance of ``task`` is there."""
    chip.tasks[task].flowed += 1
    chip.tasks[task].flowed_at = chip.scalar[0].now
    watching = chip.tasks[task].watching
    chip.tasks[task].watching = NONE
    chip.tasks[task].watching = _tell(chip, task, watching, chip.tasks[task].flowed)


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
        chip.spans[at, 4] = chip.units[unit].shown
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
    held = max(0, mine.held - task.load)
    chip.units[unit].stalled[ARRAY] += held
    mine.free_at += held
    begin = max(now, mine.free_at)
    mine.ends = 0
    mine.shown = NONE
    mine.flows = NONE
    if task.course == TRANSFER:
        setup = begin
        if chip.scalar[0].rows:  # What it will do is known before the first row comes.
            setup = max(begin - task.busy, mine.free_at)
        if setup > mine.free_at:
            chip.units[unit].stalled[chip.tasks[mine.last_need].wait_kind] += setup - mine.free_at
        _work(chip, unit, setup, task.busy)
        _wait_for_rows(chip, unit)
        _send_from(chip, unit, setup + task.busy)
        return
    if begin > mine.free_at:
        chip.units[unit].stalled[chip.tasks[mine.last_need].wait_kind] += begin - mine.free_at
    if task.course == WEIGHTS:
        mine.stage = LOOK
        if begin > now:
            _emit(chip, UNIT_DUE, begin - now, unit)
        else:
            _to_do(chip, unit)
    elif task.course == AT_HOME:
        # Loads that nobody foresaw may be in the way.
        mine.asked = now
        mine.stage = CHANNEL
        _wait_for_rows(chip, unit)
        _to_do(chip, unit)
    else:
        woken = _woken(chip, unit, begin)
        _wait_for_rows(chip, unit)
        _pass_rows(chip, unit, begin + woken, task.busy, task.head)


@borrowing
def _pass_rows(chip, unit, start, cycles, first):
    """The unit works on its task from ``start`` on, for so many cycles if all rows are there. Its first row is there
    after ``first``, if anybody waits for that."""
    mine = chip.units[unit]
    task = chip.tasks[mine.task]
    mine.began = start
    mine.work = cycles
    mine.ends = max(mine.ends, start + cycles)
    mine.busy += cycles
    mine.flows = NONE if task.head == NONE or first == NONE else max(mine.flows, start + first)
    if mine.missing:
        mine.stage = FLOWING
        if task.late == NONE:
            _show_first_row(chip, unit)
    else:
        _all_rows_came(chip, unit)


@borrowing
def _show_first_row(chip, unit):
    """Tell of the first row when it will be there."""
    mine = chip.units[unit]
    if mine.flows != NONE:
        _emit(chip, TASK_FLOWS, mine.flows - chip.scalar[0].now, mine.task)
        mine.shown = mine.flows
        mine.flows = NONE


@borrowing
def _all_rows_came(chip, unit):
    """The last row has come, so it is known when the unit's work ends."""
    mine, now = chip.units[unit], chip.scalar[0].now
    task = chip.tasks[mine.task]
    if mine.flows != NONE:
        mine.flows = max(mine.flows, now + task.late)
        _show_first_row(chip, unit)
    longer = mine.ends - mine.began - mine.work
    if longer:
        cause = mine.task if task.course == WEIGHTS else mine.last_need
        chip.units[unit].stalled[chip.tasks[cause].wait_kind] += longer
    _write_down(chip, unit, mine.began, mine.ends - mine.began)
    if task.course == TRANSFER or task.course == WEIGHTS:
        flight = flight_cycles(chip.network, task.way, 0)
        arrives = mine.ends + flight - (1 if mine.work else 0)
        _end_in(chip, mine.task, arrives - now)
        _free(chip, unit, mine.ends)
    else:
        mine.stage = WORKED
        if mine.ends > now:
            _emit(chip, UNIT_DUE, mine.ends - now, unit)
        else:
            _to_do(chip, unit)


@borrowing
def _worked(chip, unit):
    """The unit's work has come to its end."""
    task = chip.units[unit].task
    _end_in(chip, task, chip.tasks[task].delay)
    _free(chip, unit, chip.scalar[0].now)
    chip.units[unit].held = chip.tasks[task].hold


# Transfers.


@borrowing
def _send_from(chip, unit, at):
    chip.units[unit].asked = at
    chip.units[unit].stage = SEND
    _to_do(chip, unit)


@borrowing
def _next_piece(chip, unit, whole):
    """What passes at once of ``whole``: all of it, unless it lets others pass."""
    mine = chip.units[unit]
    if not mine.left_to_pass:
        mine.left_to_pass = whole
    piece = mine.left_to_pass
    if chip.scalar[0].rows and chip.tasks[mine.task].yields:
        piece = min(piece, PIECE)
    mine.left_to_pass -= piece
    return piece


@borrowing
def _pass_piece(chip, unit, start, piece, stage):
    """A piece passes from ``start`` on; then ``unit`` asks for the next."""
    mine = chip.units[unit]
    _work(chip, unit, start, piece)
    mine.asked = start + piece
    mine.stage = stage
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
        piece = _next_piece(chip, unit, flits)
        ask(chip.network, unit, mine.asked, task.rank, task.way, piece)
        _emit(chip, ARBITRATION, mine.asked - now, 0)
    else:
        # A free link carries any size at once; there is nothing to arbitrate.
        _cross(chip, unit, mine.asked, 0, True)


@borrowing
def _cross(chip, unit, start, flits, whole):
    """Send ``flits`` from ``start`` on, the ``whole`` or the last piece."""
    task = chip.tasks[chip.units[unit].task]
    piece = task.piece if task.course == WEIGHTS else task.head
    first = flight_cycles(chip.network, task.way, piece)
    _pass_rows(chip, unit, start, flits, first if whole else NONE)


@borrowing
def _granted(chip, unit, start):
    """The network has said when what was asked for starts: then all that follows is known."""
    mine, flits = chip.units[unit], chip.network.requests[unit].flits
    if mine.stage == SEND:
        chip.units[unit].stalled[NOC] += start - mine.asked
        task = chip.tasks[mine.task]
        whole = mine.left_to_pass + flits == task.flits or not task.yields
        if mine.left_to_pass:
            if whole and task.head != NONE:
                mine.flows = start + flight_cycles(chip.network, task.way, task.head)
                _show_first_row(chip, unit)
            _pass_piece(chip, unit, start, flits, SEND)
        else:
            _cross(chip, unit, start, flits, whole)
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
        _flow(chip, mine.task)
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
            _wait_for(chip, unit, pushed.user, pushed.count, NONE)
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
    mine, now = chip.units[unit], chip.scalar[0].now
    task = chip.tasks[mine.task]
    if task.busy:
        piece = _next_piece(chip, unit, task.busy)
        ask(chip.network, unit, mine.asked, task.rank, task.home, piece)
        _emit(chip, ARBITRATION, mine.asked - now, 0)
    else:
        _through_channel(chip, unit, mine.asked)


@borrowing
def _through_channel(chip, unit, start):
    """The channel is occupied from ``start`` on."""
    mine = chip.units[unit]
    task, setup = chip.tasks[mine.task], chip.scalar[0].setup
    if task.course == WEIGHTS:
        brought = start + task.busy + task.delay
        if chip.scalar[0].rows:  # Chunks go on as they come, and set-up is over by then.
            mine.ends = brought + task.tail
            mine.flows = start + task.came + flight_cycles(chip.network, task.way, 0)
            brought = max(start + task.lead - setup, mine.asked)
        chip.units[unit].stalled[task.wait_kind] += brought - mine.asked
        _work(chip, unit, brought, setup)
        _send_from(chip, unit, brought + setup)
    else:
        chip.units[unit].stalled[task.wait_kind] += start - mine.asked
        piece = chip.network.requests[unit].flits if task.busy else 0
        whole = mine.left_to_pass + piece == task.busy
        if mine.left_to_pass:
            if whole and task.head != NONE:
                mine.flows = start + task.head
                _show_first_row(chip, unit)
            _pass_piece(chip, unit, start, piece, CHANNEL)
        else:
            _pass_rows(chip, unit, start, piece, task.head if whole else NONE)


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
            elif stage == FLOWING:
                _all_rows_came(chip, unit)
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
        elif kind == TASK_FLOWS:
            _flow(chip, what)
        else:
            asked = collect(chip.network, scalar[0].now)
            for place in range(asked):
                unit = chip.network.requests[place].served
                intervals, start = reserve(chip.network, intervals, unit, scalar[0].now)
                _granted(chip, unit, start)
                if scalar[0].emitted >= ROOM:
                    yield scalar[0].emitted
                    scalar[0].emitted = 0
