"""What does everything look like? One colour per component, everywhere; PC solid, BP hatched.

The colours are those of Okabe and Ito, which stay apart for colour-blind readers and on white as
well as on black; what is paid by time is grey. Ink, paper and grid are placeholders that a page may
replace.
"""

from __future__ import annotations

from typing import Any

INK = "#1b1f24"
MUTED = "#59636e"
PAPER = "#ffffff"
GRID = "#d1d9e0"

COMPONENT_COLOURS = {
    "array": "#0072b2",
    "vector": "#56b4e9",
    "update": "#009e73",
    "sram": "#e69f00",
    "buffer": "#b26f00",
    "line_buffer": "#ffd27f",
    "noc": "#f0e442",
    "dma": "#cc79a7",
    "dram": "#d55e00",
    "clock": "#8a6d3b",
    "leakage": "#8c959f",
    "dram_standby": "#c3c9d0",
}
"""In the order in which components are stacked and listed."""

BUSY, FINISHED = "busy", "finished"
TIME_COLOURS = {
    BUSY: COMPONENT_COLOURS["array"],
    "array": "#7fb8d8",
    "vector": COMPONENT_COLOURS["vector"],
    "update": COMPONENT_COLOURS["update"],
    "noc": COMPONENT_COLOURS["noc"],
    "dma": COMPONENT_COLOURS["dma"],
    "dram": COMPONENT_COLOURS["dram"],
    "wake": COMPONENT_COLOURS["leakage"],
    "buffer": COMPONENT_COLOURS["buffer"],
    FINISHED: GRID,
}
"""How an array spends its time: computing, waiting for a kind of unit, or done for this update."""

TIME_LABELS = {BUSY: "computing", FINISHED: "done"}

STAGE_NAMES = {
    "data": "loading data",
    "forward": "forward",
    "inference": "inference",
    "backward": "backward",
    "update": "weight update",
    "static": "time alone",
}
"""The phases of an update in their order; leakage and standby are paid by time alone."""

RULE_COLOURS = {"pc": "#a63d93", "bp": "#2f9485"}
RULE_HATCHES = {"pc": "", "bp": "////"}
RULE_LINES = {"pc": "-", "bp": (0, (5, 2))}
RULE_SHADES = {
    "pc": (RULE_COLOURS["pc"], "#d98bc8", "#5c1a50", "#8a63d2", "#c2476b"),
    "bp": (RULE_COLOURS["bp"], "#7cc4b8", "#0d5a4e", "#5b8f2a", "#3a7ca8"),
}
"""Where several candidates follow one rule: shades of its colour, in the order of candidates."""


def side(rule: str) -> str:
    """Whose colours a rule has: backpropagation's, or those of predictive coding, in whose place others compete."""
    return rule if rule == "bp" else "pc"


MARKERS = "osD^vPX*"
"""Beside the shade, for those who do not see it; in the order of the candidates of one rule."""

RC_PARAMS: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.facecolor": PAPER,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "figure.facecolor": PAPER,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.labelcolor": INK,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "svg.fonttype": "path",
}
"""Settings of every figure; figures are drawn with these alone, whatever the user's matplotlibrc
says."""


def in_order(components: set[str]) -> list[str]:
    """Components in the order of the colour table; unknown ones last, by name."""
    known = [component for component in COMPONENT_COLOURS if component in components]
    return known + sorted(components - set(known))
