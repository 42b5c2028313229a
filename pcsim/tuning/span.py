"""From which value to which is tuned? A range of positive numbers, searched evenly by their logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from pcsim.config.marks import show_value
from pcsim.errors import InputError, Problem


@dataclass(frozen=True)
class PositiveRange:
    """All numbers from ``low`` to ``high``, both above 0."""

    low: float
    high: float

    def at(self, part: float) -> float:
        """The number a ``part`` in [0, 1] of the way up, by logarithm."""
        return exp(log(self.low) + part * (log(self.high) - log(self.low)))

    def rate_at(self, part: float) -> float:
        """``at``, with two significant digits."""
        return float(f"{self.at(part):.1e}")

    def whole_at(self, part: float) -> int:
        """``at``, rounded to a whole number."""
        return round(self.at(part))


def parse_span(text: str, *, option: str, most: float, whole: bool = False) -> PositiveRange:
    """``"1e-4..1e-1"``, at most up to ``most``; ``whole`` admits only whole numbers.

    Raises:
        InputError: this is no such range; names ``option``.
    """
    number = int if whole else float
    try:
        low, high = map(number, text.split("..", 1))
        if 0 < low <= high <= most:  # False for a NaN.
            return PositiveRange(low, high)
    except ValueError:
        pass
    kind = "two whole numbers" if whole else "two numbers"
    limits = f"between 1 and {most:,}" if whole else f"above 0 and at most {most:g}"
    example = "1..32" if whole else "1e-4..1e-1"
    message = f"{option} must be LOW..HIGH, {kind} {limits}, not {show_value(text)}"
    raise InputError((Problem(message, hint=f"for example {option} {example}"),))
