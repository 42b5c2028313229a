"""When does what work within one update? One lane for each kind of unit in each layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pcsim.report import style
from pcsim.report.facts import Entry
from pcsim.report.figure import Figure
from pcsim.report.mesh import Rectangle, rectangles
from pcsim.report.svg import drawn
from pcsim.report.tables import Cell, Table
from pcsim.verdict import component_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MOST_ROWS = 12
"""So many layers have a row of their own; of more, neighbours share one."""
LANES = ("array", "vector", "update", "dma", "buffer", "dram")
"""Kinds of units from the top of a row to its bottom."""


def timeline(entries: Sequence[Entry]) -> Figure | None:
    """A panel for each candidate, on one axis of time; None where nothing was recorded."""
    shown = [entry for entry in entries if entry.rows.get("timeline")]
    if not shown:
        return None
    layers = max(row["layer"] for entry in shown for row in entry.rows["timeline"])
    each = -(-layers // MOST_ROWS)
    rows = -(-layers // each)
    kinds = {row["kind"] for entry in shown for row in entry.rows["timeline"]}
    with drawn("timeline", height_in=0.9 + len(shown) * (0.45 + 0.3 * rows)) as drawing:
        panels = drawing.figure.subplots(len(shown), 1, squeeze=False, sharex=True).ravel()
        for panel, entry in zip(panels, shown, strict=True):
            _panel(panel, entry, rows=rows, each=each, layers=layers)
        panels[-1].set_xlabel("cycles since the start of the update")
        panels[-1].set_xlim(left=0)
        panels[-1].xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        _legend(drawing.figure, style.in_order(kinds))
    data: list[tuple[Cell, ...]] = [
        (entry.label, *list(row.values())[1:]) for entry in shown for row in entry.rows["timeline"]
    ]
    return Figure(
        "timeline",
        "Timeline of one update",
        "When the units of each kind work for each layer, in the steady state; what is blank is waiting. "
        "DMA sends over the network. Pauses "
        "shorter than a 512th of the update are not shown. pcsim run --trace writes every operation.",
        drawing,
        Table(("candidate", "layer", "kind", "start_cycle", "end_cycle"), tuple(data)),
    )


def _panel(panel: Axes, entry: Entry, *, rows: int, each: int, layers: int) -> None:
    height = 0.8 / len(LANES)
    worked: dict[str, list[Rectangle]] = {}
    for row in entry.rows["timeline"]:
        lane = LANES.index(row["kind"]) if row["kind"] in LANES else len(LANES) - 1
        y = (row["layer"] - 1) // each + 0.1 + lane * height
        start, end = row["start_cycle"], row["end_cycle"]
        worked.setdefault(row["kind"], []).append((start, y, end - start, height * 0.9))
    for kind, found in worked.items():
        colour = style.COMPONENT_COLOURS.get(kind, style.MUTED)
        panel.add_patch(rectangles(found, facecolor=colour, lw=0))
    end = max(row["end_cycle"] for row in entry.rows["timeline"])
    panel.update_datalim([(0, 0), (entry.result["per_update"]["cycles"], rows), (end, rows)])
    panel.autoscale_view()
    panel.set_ylim(rows, 0)
    panel.set_title(entry.label)
    panel.set_yticks(
        [row + 0.5 for row in range(rows)],
        [_name(row * each + 1, min((row + 1) * each, layers), entry.parts) for row in range(rows)],
    )
    panel.tick_params(axis="y", length=0)
    panel.grid(visible=False, axis="y")
    panel.hlines(
        range(1, rows), 0, 1, transform=panel.get_yaxis_transform(), color=style.GRID, lw=0.6
    )


def _name(first: int, last: int, parts: Sequence[str]) -> str:
    if parts:
        return parts[first - 1] if first == last else f"{parts[first - 1]} .. {parts[last - 1]}"
    return f"layer {first}" if first == last else f"layers {first}-{last}"


def _legend(canvas: Canvas, kinds: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=style.COMPONENT_COLOURS.get(kind, style.MUTED), label=component_name(kind))
        for kind in kinds
    ]
    canvas.legend(handles=handles, loc="outside lower center", ncols=6, handlelength=1.2)
