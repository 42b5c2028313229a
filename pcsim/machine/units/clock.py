"""How many cycles of the chip's clock does a time take? Exactly, whatever the clock."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from pcsim.units import Rate, as_written


def exact(seconds: float) -> Fraction:
    """Seconds as written, not as the nearest binary number."""
    return as_written(seconds)


def in_cycles(seconds: float | Fraction, *, clock_hz: Rate) -> int:
    """Whole cycles that a time takes."""
    whole = seconds if isinstance(seconds, Fraction) else exact(seconds)
    return ceil(whole * clock_hz)
