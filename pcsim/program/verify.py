"""Is a program whole? Everything that the rooms to its right take for granted, checked on its way out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from pcsim.program.ops import CARRIED, PRODUCTS, Key, Kind, Op, Phase, Program

PHASES = (Phase.SETUP, Phase.START, Phase.STEP, Phase.FINISH)
"""In the order in which they run."""


class ProgramError(ValueError):
    """A program is not whole: whoever wrote it down has made a mistake."""


def verify(program: Program) -> None:
    """Make sure that operations and buffers fit together.

    Raises:
        ProgramError: with everything that does not.
    """
    found = list(_mistakes(program))
    if found:
        raise ProgramError("; ".join(found))


def _mistakes(program: Program) -> Iterator[str]:
    keys = [op.key for op in program.ops]
    known = set(keys)
    if len(known) < len(keys):
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        yield f"only one operation may be called {', '.join(twice)}"
    for op in program.ops:
        yield from (f"{op.key}: {said}" for said in _of_op(program, op))
        for need in op.needs:
            if need.op not in known:
                yield f"{op.key} needs {need.op}, which is no operation"
            elif PHASES.index(need.op.phase) > PHASES.index(op.phase):
                yield f"{op.key} needs {need.op} of a later phase"
    yield from _stale(program)
    for buffer in program.buffers:
        if not 1 <= buffer.layer <= program.depth or buffer.copies < 1 or buffer.words < 1:
            yield f"buffer {buffer.name} of part {buffer.layer} must have a part and a size"


def _stale(program: Program) -> Iterator[str]:
    """What reads parameters that are updated in the same loop, and waits for no such update, be it by others."""
    steps = {op.key: op for op in program.ops if op.phase is Phase.STEP}
    changed: dict[str, set[Key]] = {}
    for op in steps.values():
        if op.kind is Kind.UPDATE:
            for name in op.learnt:
                changed.setdefault(name, set()).add(op.key)
    for op in steps.values():
        if op.kind not in (Kind.UPDATE, Kind.EXCHANGE):
            for name in op.learnt:
                if name in changed and not _comes_after(op, changed[name], steps):
                    yield f"{op.key} reads {name}, which learns in every step, and does not wait for that"


def _comes_after(op: Op, wanted: set[Key], ops: Mapping[Key, Op]) -> bool:
    """Whether any of ``wanted`` is among what ``op`` needs, what that needs, and so on."""
    seen, left = {op.key}, deque([op])
    while left:
        for need in left.popleft().needs:
            if need.op in wanted:
                return True
            if need.op in ops and need.op not in seen:
                seen.add(need.op)
                left.append(ops[need.op])
    return False


def _of_op(program: Program, op: Op) -> Iterator[str]:
    if not 1 <= op.layer <= program.depth:
        yield f"part {op.layer} is none of 1 to {program.depth}"
        return
    if op.sizes != program.sizes(op.layer):
        yield f"its sizes are not those of part {op.layer}"
    if op.target and not 1 <= op.target <= program.depth:
        yield f"its target {op.target} is no part"
    if op.target and op.kind is not Kind.EXCHANGE:
        yield "only an exchange has a target"
    if op.kind is Kind.EXCHANGE and op.role not in CARRIED:
        yield f"an exchange carries no {op.role}"
    if op.kind in PRODUCTS:
        if min(op.contraction.extent(op.sizes, program.batch)[:4]) < 1:
            yield "a product must have sizes of at least 1"
    elif op.elements < 1:
        yield f"elements must be at least 1, not {op.elements}"
    if op.place.first < 1:
        yield f"its first instance must be at least 1, not {op.place.first}"
