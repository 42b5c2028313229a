"""What would more of each resource bring? As a file, and as a table of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pcsim.report.html import Cell
from pcsim.report.tables import Table
from pcsim.verdict import Verdict

COLUMNS = (
    "key",
    "what",
    "setting",
    "unlimited",
    "pc_latency",
    "bp_latency",
    "pc_energy",
    "bp_energy",
    "area",
    "reason",
)
"""Of levers.csv; latency, energy and area are new over old."""

LEVER_COLUMNS = ("resource", "PC time", "BP time", "PC energy", "BP energy", "area", "by hand")


def lever_table(verdict: Verdict) -> Table:
    """A row per lever, the doubled one that saves most time first; none where none was simulated."""
    return Table(
        COLUMNS,
        tuple(
            (
                lever.key,
                lever.what,
                " ".join(lever.settings),
                int(lever.unlimited),
                lever.latency.get("pc"),
                lever.latency.get("bp"),
                lever.energy.get("pc"),
                lever.energy.get("bp"),
                lever.area,
                lever.reason,
            )
            for lever in verdict.levers
        ),
    )


def lever_rows(summary: Mapping[str, Any]) -> list[list[Cell]]:
    """The same for the page; what could not be simulated stands last, with its reason."""
    rows = []
    for lever in summary.get("levers", []):
        ratios = [lever[what].get(rule) for what in ("latency", "energy") for rule in ("pc", "bp")]
        cells = [_change(ratio) for ratio in (*ratios, lever["area"])]
        by_hand = lever["reason"] or " ".join(lever["settings"])
        rows.append([Cell(lever["what"], lever["what"]), *cells, Cell(by_hand, by_hand)])
    return rows


def _change(ratio: float | None) -> Cell:
    return Cell("", "") if ratio is None else Cell(f"{100 * (ratio - 1):+.1f} %", ratio)
