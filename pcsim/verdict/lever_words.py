"""How is it said what a change of the chip would bring?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pcsim.verdict.values import Lever

NOTHING = 0.005
"""A change of less than half a percent is called none."""

NAMED = 3


def lever_phrase(lever: Lever) -> str:
    """``links 32 to 64 B/cycle: -15 % time, +3 % area``; time and energy are means over the rules."""
    if lever.reason:
        return f"{lever.what}: {lever.reason}"
    parts = [f"{_percent(lever.speed)} time"]
    for name, ratio in (("energy", _mean(lever.energy)), ("area", lever.area)):
        if ratio is not None and abs(ratio - 1) >= NOTHING:
            parts.append(f"{_percent(ratio)} {name}")
    return f"{lever.what}: {', '.join(parts)}"


def lever_sentences(levers: Sequence[Lever]) -> Iterator[str]:
    """What helps most, and what of it an unlimited resource would bring; or that nothing helps."""
    doubled = [lever for lever in levers if not lever.unlimited and not lever.reason]
    if not doubled:
        return
    helping = [lever for lever in doubled if lever.speed <= 1 - NOTHING][:NAMED]
    if not helping:
        yield "No single resource of the chip, doubled, saves more than half a percent of the time."
        return
    yield (
        "Doubled alone, these resources save most time per update: "
        + "; ".join(lever_phrase(lever) for lever in helping)
        + "."
    )
    limits = {lever.key: lever for lever in levers if lever.unlimited and not lever.reason}
    best = limits.get(helping[0].key)
    if best is not None:
        yield f"Without any limit the first would bring {_percent(best.speed)} time."


def _percent(ratio: float) -> str:
    change = 100 * (ratio - 1)
    return f"{change:+.0f} %" if abs(change) >= 0.5 else "0 %"


def _mean(ratios: Mapping[str, float]) -> float:
    """Geometric, over the rules."""
    return math.prod(ratios.values()) ** (1 / len(ratios)) if ratios else 1.0
