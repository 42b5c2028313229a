"""How long is a tick of a predictive-coding network with one serial core per neuron, all in lock step?

Every neuron of every layer does the same phase at the same time, and each phase lasts as long as for the neuron
with most work: one cycle to start, its fan-in to predict, one for its error, its fan-out to gather feedback, one for
its state, its fan-in again to learn, one to end. Equal to a small SystemVerilog net on every run tried.
"""

from __future__ import annotations

from collections.abc import Sequence

CONTROL_CYCLES = 2
"""To start and to end a tick."""

ELEMENTWISE_CYCLES = 2
"""One for all errors, one for all states."""


def tick_cycles(widths: Sequence[int], *, learning: bool) -> int:
    """Cycles of one tick of a net with layers of ``widths``, inputs first."""
    fan_in, fan_out = max(widths[:-1]), max(widths[1:])
    return CONTROL_CYCLES + ELEMENTWISE_CYCLES + fan_in + fan_out + (fan_in if learning else 0)
