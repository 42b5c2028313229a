"""What passes from task to task row by row, and what only as a whole?

An example. A product of 64 samples gives a row for each sample. The vector unit that waits for them can begin with
the first, and ends after the last. Weights are another matter: a product needs all of them before its first row.

A row is what one sample has of a value: a state, an error, a sum. Of weight gradients it is what one output has.
"""

from __future__ import annotations

from typing import NamedTuple

from pcsim.program import Kind, Op, Phase, Role


class Flow(NamedTuple):
    """Of a task: how many rows it ``takes`` and ``gives`` one after the other; 0 where it needs or makes the whole."""

    takes: int = 0
    gives: int = 0


WHOLE = Flow()
"""Begins when all that it needs is there; what it makes is there when it ends."""

_BY_OUTPUT = frozenset((Role.GRADIENT,))
"""Weight gradients and their sums have a row for each output, as updates have."""

_NEEDED_WHOLE = frozenset((Role.WEIGHTS, Role.MASTER, Role.COPIED, Role.BIAS, Role.GAIN))
"""Parameters: who needs them needs all of them."""

_SUMMED_OVER_SAMPLES = frozenset((Role.UNIT_GRADIENT, Role.ENERGY))
"""What follows from all samples is there after the last."""


def yields(op: Op) -> bool:
    """Whether ``op`` brings what this update does not need: the next batch."""
    return op.role in (Role.INPUT, Role.TARGET) and op.phase is Phase.START


def flow_of(op: Op, samples: int) -> Flow:
    """How the tasks of ``op`` take and give, each of so many ``samples``."""
    if op.told is not None or op.role in (Role.REPORT, Role.ANSWER):
        return WHOLE
    outputs = op.sizes.n_out
    if op.kind is Kind.WEIGHT_GRADIENT:
        return Flow(samples, outputs)
    if op.kind is Kind.UPDATE:
        return Flow(samples, 0) if op.role else Flow(outputs, outputs)
    if op.role in _BY_OUTPUT:
        return Flow(outputs, outputs)
    if op.role in _NEEDED_WHOLE:
        return Flow(outputs, 0)
    return Flow(samples, 0 if op.role in _SUMMED_OVER_SAMPLES else samples)
