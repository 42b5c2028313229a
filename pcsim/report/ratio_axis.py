"""How is a ratio drawn with letters? A logarithmic axis with 1 in its middle, the interval as a line.

    0.5       1       2
              │  ├─●─┤

Equal factors are equal distances, so that PC at half of BP's energy lies as far from the middle as PC at
twice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ENDS = (2.0, 5.0, 10.0, 100.0)
"""The axis reaches from one over the first of these that holds all values to that; else to the last."""

NARROWEST = 11
"""A narrower picture says nothing."""


@dataclass(frozen=True)
class RatioAxis:
    """From 1 / ``end`` to ``end`` on ``cells`` characters, an odd number."""

    end: float
    cells: int

    @staticmethod
    def fitting(estimates: Sequence[Mapping[str, Any]], room: int) -> RatioAxis | None:
        """The axis for ``estimates`` (``value``, ``low``, ``high``) in ``room`` characters; None if
        there is too little."""
        if room < NARROWEST:
            return None
        values = [
            value
            for estimate in estimates
            for value in (estimate["value"], estimate["low"], estimate["high"])
            if value
        ]
        farthest = max((max(value, 1 / value) for value in values), default=1.0)
        end = next((end for end in ENDS if farthest <= end), ENDS[-1])
        return RatioAxis(end, room - 1 + room % 2)

    def scale(self) -> str:
        """The numbers above the axis."""
        low, high = f"{1 / self.end:g}", f"{self.end:g}"
        half = self.cells // 2
        return f"{low:<{half}}1{high:>{half}}"

    def line(self, estimate: Mapping[str, Any]) -> str:
        """One ratio. What lies beyond the axis is drawn as an arrow at its end."""
        cells = [" "] * self.cells
        cells[self.cells // 2] = "│"
        low, high = estimate["low"], estimate["high"]
        if low is not None and high is not None:
            first, last = self._cell(low), self._cell(high)
            cells[first : last + 1] = "─" * (last + 1 - first)
            if last > first:
                cells[first], cells[last] = "├", "┤"
        at = self._cell(estimate["value"])
        cells[at] = "●"
        if estimate["value"] > self.end:
            cells[at] = "►"
        elif estimate["value"] < 1 / self.end:
            cells[at] = "◄"
        return "".join(cells).rstrip()

    def _cell(self, value: float) -> int:
        place = (1 + math.log(value) / math.log(self.end)) / 2
        return round(min(max(place, 0.0), 1.0) * (self.cells - 1))
