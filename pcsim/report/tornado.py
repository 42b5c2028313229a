"""What would each cost alone do to the energy ratio? The numbers of a tornado chart, and the chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, fields
from typing import Any

from pcsim.report import style
from pcsim.report.figure import Figure
from pcsim.report.svg import drawn
from pcsim.report.tables import Table
from pcsim.verdict import Swing, Verdict
from pcsim.verdict.rows import challenger_name

MOST_COSTS = 12
"""So many of the widest swings are drawn; tornado.csv has all."""
WAYS = (
    ("halved or doubled", "at_half", "at_double", 0.7),
    ("over its range", "at_low", "at_high", 0.32),
)
"""How a cost is moved: the name, the columns of its ends, and the height of its bar."""
COLOURS = {"halved or doubled": style.GRID, "over its range": style.COMPONENT_COLOURS["array"]}


def tornado_table(verdict: Verdict) -> Table:
    """One row per cost that was paid, the widest swing first; columns as the fields of ``Swing``.

    Ratios are PC's energy per update over BP's. ``turns_`` are 1 where the cost turns the verdict, 0 where
    it does not, and empty where there is no verdict to turn.
    """
    columns = tuple(field.name for field in fields(Swing))
    rows = tuple(
        tuple(int(cell) if isinstance(cell, bool) else cell for cell in astuple(swing))
        for swing in verdict.tornado
    )
    return Table(columns, rows)


def tornado_figure(swings: Table, summary: Mapping[str, Any]) -> Figure | None:
    """A bar for each of the costs that move the ratio most; ``swings`` are rows of ``tornado_table``,
    of the run of ``summary``. None where two rules were not compared."""
    from matplotlib.patches import Patch

    shown = swings.records()[:MOST_COSTS]
    if not shown:
        return None
    with drawn("tornado", height_in=1.3 + 0.27 * len(shown)) as drawing:
        axes = drawing.figure.add_subplot()
        for place, swing in enumerate(shown):
            for way, low, high, height in WAYS:
                axes.barh(
                    place,
                    swing[high] - swing[low],
                    left=swing[low],
                    height=height,
                    color=COLOURS[way],
                    linewidth=0,
                )
        axes.axvline(summary["ratios"]["energy_j"], color=style.INK, linewidth=0.8)
        left, right = axes.get_xlim()
        turn = summary["ratios"]["break_even"]["sample_advantage_measured"] or 1.0
        if left < turn < right:
            axes.axvline(turn, color=style.MUTED, linewidth=1, linestyle=":")
            axes.annotate(
                "verdict turns",
                (turn, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                color=style.MUTED,
            )
        axes.set_yticks(range(len(shown)), [swing["key"] for swing in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(f"{challenger_name(summary)}'s energy per update over BP's")
        handles = [Patch(facecolor=COLOURS[way], label=way) for way, *_ in WAYS]
        drawing.figure.legend(
            handles=handles, loc="outside lower center", ncols=2, handlelength=1.2
        )
    columns = ("key", "status", "at_low", "at_high", "at_half", "at_double")
    return Figure(
        "tornado",
        "Which cost matters most",
        "How far one cost alone moves the energy ratio: between the ends of its range, and halved or "
        "doubled. The line is the ratio as it is. A dotted line, if a cost comes near it, is where the "
        "verdict on energy turns.",
        drawing,
        Table(columns, tuple(tuple(swing[name] for name in columns) for swing in shown)),
    )
