"""What does a Pareto front look like? Energy against each other objective, the front drawn large."""

from __future__ import annotations

from collections.abc import Sequence

from pcsim.report import drawn, style
from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.report.front import Objective, rule_of, rules_of
from pcsim.sweeps.report.scales import is_wide, log_ticks, scale_for
from pcsim.verdict import rule_name

MARKERS = {"pc": "o", "bp": "s"}


def front_figure(rows: Sequence[Row], front: Sequence[Row], objectives: Sequence[Objective]) -> str:
    """One panel for each objective besides the first, which runs to the right, as SVG text."""
    first, *others = objectives
    right = [row for row in rows if not row["error"]]
    on_front = {id(row) for row in front}
    with drawn("front", width_in=9.6, height_in=3.7) as drawing:
        panels = drawing.figure.subplots(1, max(1, len(others)), squeeze=False)[0]
        across = scale_for(first, right)
        for panel, objective in zip(panels, others, strict=True):
            up = scale_for(objective, right)
            for rule in rules_of(rows):
                for kept in (False, True):
                    mine = [
                        row
                        for row in right
                        if rule_of(row) == rule and (id(row) in on_front) == kept
                    ]
                    panel.scatter(
                        [row[first.column] / across.size for row in mine],
                        [row[objective.column] / up.size for row in mine],
                        s=30 if kept else 9,
                        marker=MARKERS[style.side(rule)],
                        color=style.RULE_COLOURS[style.side(rule)],
                        alpha=1.0 if kept else 0.3,
                        edgecolors=style.INK if kept else "none",
                        linewidths=0.6,
                        label=f"{rule_name(rule)}, {'on its front' if kept else 'beaten'}",
                        zorder=3 if kept else 2,
                    )
            panel.set_xlabel(f"{first.title} ({across.name})")
            panel.set_ylabel(f"{objective.title} ({up.name})" if up.name else objective.title)
            costs = [row[first.column] / across.size for row in right]
            if is_wide(costs):
                panel.set_xscale("log")
                log_ticks(panel.xaxis, costs)
            costs = [row[objective.column] / up.size for row in right]
            if is_wide(costs):
                panel.set_yscale("log")
                log_ticks(panel.yaxis, costs)
        handles, labels = panels[0].get_legend_handles_labels()
        drawing.figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return drawing.svg
