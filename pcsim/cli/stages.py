"""What are the stages of a command called, for people?"""

from __future__ import annotations

COMPILE = "compile"

STAGES = {
    "load": "loading",
    "read": "reading",
    "plan": "loading every combination",
    "fit": "placing the network on the chip",
    "place": "placing the network on the chip",
    COMPILE: "compiling",
    "estimate": "timing a few products, for the estimate",
    "train": "training",
    "train in fp32": "training once more in fp32, to tell what number formats cost",
    "points": "simulating",
    "simulate": "simulating updates on the chip",
    "levers": "simulating the chip with more of each resource",
    "judge": "judging",
    "measure": "measuring",
    "look": "looking at",
    "test": "comparing with closed forms:",
    "report": "drawing the report",
    "draw": "drawing the report",
}
"""By the names that the line and the sweeps give their stages."""

BRIEF = frozenset({"load", "read", "plan", "fit", "place", "estimate", "look", "draw"})
"""Stages that are mostly over at once: a plain line tells of one only where it lasts."""

COMPILING = "compiling the kernels, once on this machine"

UNITS = ((90, 1, "s"), (5400, 60, "min"), (float("inf"), 3600, "h"))
"""Up to how many seconds which unit is shown."""


def duration_text(seconds: float) -> str:
    """A duration for people, as rough as it is known."""
    if seconds < 1:
        return "less than a second"
    _, unit_s, unit = next(unit for unit in UNITS if seconds < unit[0])
    return f"about {float(f'{seconds / unit_s:.2g}'):,g} {unit}"
