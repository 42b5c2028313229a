"""Which schedules were tried, and what did each cost? As a file, and as a table of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pcsim.report.html import Cell, same
from pcsim.report.tables import Cell as TableCell
from pcsim.report.tables import Table
from pcsim.units import format_quantity
from pcsim.verdict import Verdict, rule_name, summary
from pcsim.verdict.rows import NOTHING

COLUMNS = (
    "id",
    "rule",
    "order",
    "schedule",
    "micro_batches",
    "stash",
    "spread",
    "chosen",
    "cycles",
    "latency_s",
    "energy_j",
    "edp_js",
    "updates_to_target",
    "time_to_target_s",
    "energy_to_target_j",
    "seeds_reached",
    "reason",
)
"""Of tried.csv: the keys of a schedule in the summary."""

TRIED_COLUMNS = (
    "rule",
    "schedule",
    "energy to target",
    "time to target",
    "energy per update",
    "time per update",
    "energy-delay product",
    "not run because",
)
"""Of the table on the page."""


def tried_table(verdict: Verdict) -> Table:
    """One row per schedule that was tried, the best of each rule first; none where there was no choice.

    ``chosen`` is 1 for what stands for its rule; costs are empty where a schedule did not run.
    """
    return Table(COLUMNS, tuple(_row(each) for each in summary(verdict).get("tried", ())))


def _row(each: Mapping[str, Any]) -> tuple[TableCell, ...]:
    return tuple(int(each[name]) if name == "chosen" else each[name] for name in COLUMNS)


def tried_rows(summary: Mapping[str, Any]) -> list[list[Cell]]:
    """The rows of the page's table, from the summary alone."""
    return [_cells(each) for each in summary.get("tried", ())]


def _cells(each: Mapping[str, Any]) -> list[Cell]:
    name = rule_name(each["rule"])
    called = f"{each['id']} (best)" if each["chosen"] else each["id"]
    costs = (
        ("energy_to_target_j", "J"),
        ("time_to_target_s", "s"),
        ("energy_j", "J"),
        ("latency_s", "s"),
        ("edp_js", "J·s"),
    )
    reason = each["reason"].partition("\n")[0]
    return [
        same(name),
        Cell(called, each["id"]),
        *(_cost(each[key], unit) for key, unit in costs),
        same(reason),
    ]


def _cost(value: float | None, unit: str) -> Cell:
    """A cost that is not known is sorted behind all others."""
    if value is None:
        return Cell(NOTHING, 1e300)
    return Cell(format_quantity(value, unit), value)
