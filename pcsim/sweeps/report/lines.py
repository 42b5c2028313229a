"""How do energy, time and accuracy go along the first axis, one line for each setting of the others?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pcsim.report import drawn, style
from pcsim.sweeps.axes import AxisGroup
from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.report.effects import group_name, level_of, levels_of
from pcsim.sweeps.report.front import Objective, objectives_of, rule_of
from pcsim.sweeps.report.scales import is_wide, log_ticks, numbers_of, scale_for, short_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LINES = 12
MOST_TICKS = 10
MARKERS = "osD^vPX*"


def lines_figure(rows: Sequence[Row], groups: Sequence[AxisGroup]) -> str | None:
    """The figure as SVG text; None where there would be too many lines to tell apart."""
    right = [row for row in rows if not row["error"]]
    first, *others = groups
    lines: dict[str, list[Row]] = {}
    for row in right:
        settings = [
            f"{group.paths[0].rsplit('.', 1)[-1]} {level_of(group, row)}" for group in others
        ]
        lines.setdefault(", ".join([row["candidate"], *settings]), []).append(row)
    if len(lines) > MOST_LINES:
        return None
    objectives = [o for o in objectives_of(rows) if o.column != "area_mm2"]
    with drawn("lines", width_in=9.6, height_in=3.4) as drawing:
        panels = drawing.figure.subplots(1, len(objectives), squeeze=False)[0]
        for panel, objective in zip(panels, objectives, strict=True):
            _panel(panel, lines, first, objective=objective, right=right)
        handles, labels = panels[0].get_legend_handles_labels()
        drawing.figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return drawing.svg


def _panel(
    panel: Axes,
    lines: dict[str, list[Row]],
    first: AxisGroup,
    *,
    objective: Objective,
    right: Sequence[Row],
) -> None:
    levels = levels_of(first, right)
    numbers = numbers_of(levels)
    places = dict(zip(levels, numbers or range(len(levels)), strict=True))
    scale = scale_for(objective, right)
    drawn_of: Counter[str] = Counter()
    for name, rows in lines.items():
        rule = rule_of(rows[0])
        marker = MARKERS[drawn_of[rule] % len(MARKERS)]
        drawn_of[rule] += 1
        panel.plot(
            [places[level_of(first, row)] for row in rows],
            [row[objective.column] / scale.size for row in rows],
            label=name,
            color=style.RULE_COLOURS[style.side(rule)],
            linestyle=style.RULE_LINES[style.side(rule)],
            marker=marker,
            markersize=4,
        )
    panel.set_title(objective.title)
    panel.set_xlabel(group_name(first))
    if scale.name:
        panel.set_ylabel(scale.name)
        panel.set_ylim(bottom=0)
    if numbers is None:
        step = -(-len(levels) // MOST_TICKS)
        shown = [short_text(level) for level in levels[::step]]
        panel.set_xticks(range(0, len(levels), step), shown, rotation=30, ha="right")
    elif is_wide(numbers):
        panel.set_xscale("log")
        log_ticks(panel.xaxis, numbers)
