"""A sweep as one page that needs nothing else: no network, light and dark, screen and paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pcsim.report.svg import inlined
from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.plan import Point, SweepPlan, describe
from pcsim.sweeps.report.best import Best
from pcsim.sweeps.report.front import OBJECTIVES, Objective, rule_of
from pcsim.units import format_quantity
from pcsim.verdict import factor, percent, rule_name
from pcsim.verdict.not_modelled import NOT_MODELLED

MOST_ROWS = 200
"""Rows of a table on the page; all are in the CSV file."""

FIGURES = {
    "front": (
        "Pareto front",
        "Every configuration, energy to the right. Large marks are on the front of their rule: no "
        "configuration of that rule is at least as good in everything and better in something.",
        "front.csv",
    ),
    "lines": (
        "Along the first axis",
        "Energy, latency and, where trained, test accuracy over the first axis; one line for each "
        "setting of the others and each rule, BP dashed, the other solid.",
        "sweep.csv",
    ),
    "tornado": (
        "What matters most",
        "For each axis the lowest and the highest geometric mean over all configurations with one of "
        "its values, relative to the mean of all; the widest on top. BP hatched, the other rule solid. The value "
        "stands at its end of the bar.",
        "effects.csv",
    ),
    "heat": (
        "The two axes that move energy most",
        "The lowest energy per update that the other axes allow at each pair of values.",
        "heat.csv",
    ),
    "parallel": (
        "Which values lead where",
        "A line is a configuration, from its values on the left to its costs on the right, the lowest "
        "at the bottom, by logarithm where they span more than a factor of 20. Thick lines are on the "
        "front, BP dashed, the other rule solid; of many beaten ones 300, evenly chosen, are drawn.",
        "sweep.csv",
    ),
}
"""Title, caption and the file of numbers behind each figure, in the order of the page."""


class DifferenceRow(NamedTuple):
    """A row of the table of differences; ``differs`` where its cells are not all alike."""

    label: str
    cells: tuple[str, ...]
    differs: bool


def page(
    plan: SweepPlan,
    point: Point,
    rows: Sequence[Row],
    *,
    front: Sequence[Row],
    best: Sequence[Best],
    figures: Mapping[str, str],
) -> str:
    """The page as HTML text. ``figures`` are SVG texts by name."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup, escape

    environment = Environment(
        loader=PackageLoader("pcsim.sweeps.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawings, letters = inlined(
        {name: (svg, str(escape(FIGURES[name][1]))) for name, svg in figures.items()}
    )
    shown = [
        {
            "name": name,
            "title": title,
            "caption": caption,
            "data": data,
            "svg": Markup(drawings[name]),
        }
        for name, (title, caption, data) in FIGURES.items()
        if name in figures
    ]
    failed = [row for row in rows if row["error"]]
    reasons: dict[str, int] = {}
    for row in failed:
        reasons[row["error"]] = reasons.get(row["error"], 0) + 1
    objectives = [o for o in OBJECTIVES if any(row[o.column] is not None for row in front)]
    truncated = any(row["credit"] for row in front)
    return environment.get_template("sweep.html.j2").render(
        title=f"{point.hardware.name} x {point.workload.name}: {len(plan.groups)} "
        f"{'axis' if len(plan.groups) == 1 else 'axes'}",
        plan=plan,
        axes=list(describe(plan.groups)),
        settings=[setting.text for setting in plan.settings],
        rows=len(rows),
        failed=len(failed),
        reasons=sorted(reasons.items(), key=lambda pair: -pair[1])[:20],
        figures=shown,
        letters=Markup(letters),
        best=[f"{rule_name(one.rule)}, best {one.objective.title}" for one in best],
        lines=_lines(plan, best),
        front_size=len(front),
        front_columns=[
            *plan.paths,
            "rule",
            *(o.title for o in objectives),
            *(("credit",) if truncated else ()),
        ],
        front=[
            [
                *(row.get(path, "") for path in plan.paths),
                rule_name(rule_of(row)),
                *(shown_value(o, row[o.column]) for o in objectives),
                *((row["credit"] or "all layers",) if truncated else ()),
            ]
            for row in front[:MOST_ROWS]
        ],
        not_modelled=NOT_MODELLED,
    )


def _lines(plan: SweepPlan, best: Sequence[Best]) -> list[DifferenceRow]:
    """What the best configurations set and cost, side by side."""
    lines = []
    for path in plan.paths:
        cells = tuple(str(one.row.get(path, "-")) for one in best)
        lines.append(DifferenceRow(path, cells, len(set(cells)) > 1))
    for objective in OBJECTIVES:
        if any(one.row[objective.column] is not None for one in best):
            cells = tuple(shown_value(objective, one.row[objective.column]) for one in best)
            lines.append(DifferenceRow(objective.title, cells, False))
    credits = tuple(one.row["credit"] or "all layers" for one in best)
    if any(one.row["credit"] for one in best):
        lines.append(DifferenceRow("credit", credits, len(set(credits)) > 1))
    ratios = [one.row["energy_ratio"] for one in best]
    if any(value is not None for value in ratios):
        cells = tuple("" if value is None else f"{factor(value)} x" for value in ratios)
        lines.append(DifferenceRow(f"energy per update, {_challenger(best)} over BP", cells, False))
    return lines


def _challenger(best: Sequence[Best]) -> str:
    """The rule that competed with backpropagation, if one did."""
    return next((rule_name(one.rule) for one in best if one.rule != "bp"), "PC")


def shown_value(objective: Objective, value: float | None) -> str:
    """A value of an objective for people."""
    if value is None:
        return ""
    if objective.column == "accuracy":
        return percent(value)
    if objective.unit == "mm²":
        return f"{value:.3g} mm²"
    return format_quantity(value, objective.unit)
