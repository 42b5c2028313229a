"""In which unit, and on which scale, does a figure show a number?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.report.front import Objective
from pcsim.units import DisplayUnit, scale_of

if TYPE_CHECKING:
    from matplotlib.axis import Axis

WIDE = 20
"""Positive values whose largest is this many times their smallest are shown by logarithm."""


def scale_for(objective: Objective, rows: Sequence[Row]) -> DisplayUnit:
    """The unit in which a figure shows an objective."""
    if objective.unit not in ("J", "s"):
        return DisplayUnit(1.0, objective.unit)
    return scale_of(max(row[objective.column] for row in rows), objective.unit)


def is_wide(values: Sequence[float]) -> bool:
    """Whether values are shown by logarithm."""
    return min(values) > 0 and max(values) / min(values) >= WIDE


def height(value: float, values: Sequence[float]) -> float:
    """Where ``value`` stands between the lowest of ``values``, 0, and the highest, 1."""
    low, high = min(values), max(values)
    if low == high:
        return 0.5
    if is_wide(values):
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low)


def log_ticks(axis: Axis, values: Sequence[float]) -> None:
    """Ticks of a logarithmic axis that are few enough to read: at 1, 2 and 5, or at powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter

    spread = max(values) / min(values)
    subs: tuple[float, ...] = (1, 2, 5)
    if spread > 1000:
        subs = (1,)
    elif spread < 3:
        subs = (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axis.set_minor_formatter(NullFormatter())


def numbers_of(texts: Sequence[str]) -> list[float] | None:
    """The values as numbers, None unless all are (units stand behind and are alike)."""
    parts = [text.strip("'\"").split(" ", 1) for text in texts]
    if len({part[1] if len(part) > 1 else "" for part in parts}) > 1:
        return None
    try:
        return [float(part[0]) for part in parts]
    except ValueError:
        return None


def short_text(text: str, most: int = 24) -> str:
    """A value or a path as a figure has room for it."""
    return text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-(most // 2) :]}"
