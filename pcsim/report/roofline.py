"""What could the chip compute at most, given what moves? Rooflines of the levels of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pcsim.report import style
from pcsim.report.facts import Entry
from pcsim.report.figure import Figure
from pcsim.report.svg import drawn
from pcsim.report.tables import Table
from pcsim.units import format_quantity

LEVEL_NAMES = {"sram": "SRAM", "noc": "links", "buffer": "global buffer", "dram": "DRAM"}


def roofline(entries: Sequence[Entry]) -> Figure | None:
    """Each candidate at its multiply-accumulates per second, once for each level of memory.

    The roof of a level is min(peak, bandwidth x multiply-accumulates per byte). None where nothing
    was multiplied or moved.
    """
    from matplotlib.ticker import NullLocator

    points = [
        (entry, row)
        for entry in entries
        for row in entry.rows["roofline"]
        if row["bytes"] and row["macs"] and row["latency_s"]
    ]
    if not points:
        return None
    peak = points[0][1]["peak_macs_per_s"]
    most = {row["level"]: row["bandwidth_bytes_per_s"] for _, row in points}
    ridges = [peak / bandwidth for bandwidth in most.values() if bandwidth]
    places = ridges + [row["macs"] / row["bytes"] for _, row in points]
    left, right = min(places) / 3, max(places) * 3
    with drawn("roofline", height_in=3.4) as drawing:
        axes = drawing.figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.axhline(peak, color=style.MUTED, lw=1, ls=":")
        for level, bandwidth in most.items():
            if bandwidth:
                axes.plot(
                    (left, peak / bandwidth, right),
                    (left * bandwidth, peak, peak),
                    color=style.COMPONENT_COLOURS[level],
                    lw=1.8,
                    label=f"roof of {LEVEL_NAMES[level]}",
                )
        for entry, row in points:
            colour = style.COMPONENT_COLOURS[row["level"]]
            x, y = row["macs"] / row["bytes"], row["macs"] / row["latency_s"]
            axes.plot(x, y, color=colour, **_mark(entry, edge=colour))
        for entry in entries:
            axes.plot(
                [], [], color=style.MUTED, label=entry.label, **_mark(entry, edge=style.MUTED)
            )
        axes.set_xlim(left, right)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(lambda value, _: _readable(value))
        axes.set_xlabel("multiply-accumulates per byte moved")
        axes.set_ylabel("multiply-accumulates per second")
        axes.legend(loc="lower right", ncols=2)
    columns = tuple(points[0][1])
    rows = tuple((entry.label, *list(row.values())[1:]) for entry, row in points)
    return Figure(
        "roofline",
        "Roofline",
        "Multiply-accumulates per second of one update over those per byte, once for the bytes of each "
        "level of memory: BP hollow, the other rule filled. The roof of a level is what its bandwidth "
        "allows, the dotted line all processing elements at work. Far below every roof, a run is held up by "
        "what waits for what, not by any bandwidth.",
        drawing,
        Table(columns, rows),
    )


def _mark(entry: Entry, *, edge: str) -> dict[str, Any]:
    """PC filled, BP hollow."""
    filled = style.side(entry.rule) == "pc"
    return {
        "marker": entry.marker,
        "markersize": 8,
        "fillstyle": "full" if filled else "none",
        "markeredgecolor": style.INK if filled else edge,
        "markeredgewidth": 0.6 if filled else 1.8,
        "linestyle": "",
    }


def _readable(value: float) -> str:
    """A power of ten for people: 0.1, 10, 10 G."""
    return format_quantity(value, "Hz").removesuffix("Hz").strip() if value >= 1e3 else f"{value:g}"
