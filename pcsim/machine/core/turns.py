"""In which order does a unit take its tasks? By phase, then by turn, then as they stand in the program.

A queue is described, not listed: a heap of the unit's tasks, compared by the turn of each one's next
instance. The heaps of all units, one behind the other, are the column ``queued`` of the tasks. See
`pcsim.program.Turn` for what a turn is.
"""

from __future__ import annotations

from pcsim.compiled.jit import borrowing, jit


@borrowing
def _set_next(row, instance):
    """The next instance of a task, and what its turn is compared by; as `Turn.key`."""
    at = instance - 1
    row.next = instance
    row.in_window = (at + row.shift) // row.window if row.window else 0
    row.in_turn = row.stride * (at // row.group) + row.offset
    row.tie = at if row.group == 1 else 0


@borrowing
def _before(tasks, one, other):
    a, b = tasks[one], tasks[other]
    if a.phase != b.phase:
        return a.phase < b.phase
    if a.in_window != b.in_window:
        return a.in_window < b.in_window
    if a.in_turn != b.in_turn:
        return a.in_turn < b.in_turn
    if a.tie != b.tie:
        return a.tie < b.tie
    return one < other


@borrowing
def _sift(tasks, first, size, place):
    """Let the task at ``place`` of a heap sink to where it belongs."""
    moved = tasks[first + place].queued
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and _before(
            tasks, tasks[first + below + 1].queued, tasks[first + below].queued
        ):
            below += 1
        if not _before(tasks, tasks[first + below].queued, moved):
            break
        tasks[first + place].queued = tasks[first + below].queued
        place = below
    tasks[first + place].queued = moved


@borrowing
def next_turn(tasks, unit):
    """Take the next task of a unit's queue; False if there is none."""
    if not unit.left:
        return False
    first = unit.queue
    task = tasks[first].queued
    instance = tasks[task].next
    unit.task = task
    unit.instance = instance
    if instance < tasks[task].last:
        _set_next(tasks[task], instance + 1)
    else:
        unit.left -= 1
        tasks[first].queued = tasks[first + unit.left].queued
        tasks[first + unit.left].queued = task  # Kept behind the heap.
    if unit.left:
        _sift(tasks, first, unit.left, 0)
    return True


@borrowing
def _fill(tasks, unit, behind):
    """Put a unit's tasks, up to ``behind``, into its queue, but for those that are left out or never run."""
    size = 0
    for place in range(unit.queue, behind):
        task = tasks[place].queued
        if not tasks[task].left_out and tasks[task].first <= tasks[task].last:
            tasks[place].queued = tasks[unit.queue + size].queued
            tasks[unit.queue + size].queued = task
            _set_next(tasks[task], tasks[task].first)
            size += 1
    for place in range(size // 2 - 1, -1, -1):
        _sift(tasks, unit.queue, size, place)
    unit.left = size


@jit
def fill_all(tasks, units):
    """Fill the queues of all units."""
    for unit in range(len(units)):
        behind = units[unit + 1].queue if unit + 1 < len(units) else len(tasks)
        _fill(tasks, units[unit], behind)
