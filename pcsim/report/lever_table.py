"""What would more of each resource bring? As a file, and as a table of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pcsim.report.html import Cell
from pcsim.report.tables import Table
from pcsim.verdict import BP, Verdict, rule_name


def lever_columns(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Heads of the page's table."""
    rules = [rule_name(rule) for rule in _pair(summary.get("levers", []))]
    ratios = (f"{rule} {what}" for what in ("time", "energy") for rule in rules)
    return ("resource", *ratios, "area", "by hand")


def _pair(levers: Sequence[Any]) -> tuple[str, str]:
    """The rules that ran, BP last, which is there or not; PC where there is none beside it."""
    found = {rule for lever in levers for rule in lever["latency"]}
    return next((rule for rule in sorted(found) if rule != BP), "pc"), BP


def lever_table(verdict: Verdict) -> Table:
    """A row per lever, the doubled one that saves most time first; none where none was simulated. Latency, energy and
    area are new over old."""
    rule, _ = _pair([{"latency": lever.latency} for lever in verdict.levers])
    ratios = (f"{each}_{what}" for what in ("latency", "energy") for each in (rule, BP))
    return Table(
        ("key", "what", "setting", "unlimited", *ratios, "area", "reason"),
        tuple(
            (
                lever.key,
                lever.what,
                " ".join(lever.settings),
                int(lever.unlimited),
                lever.latency.get(rule),
                lever.latency.get(BP),
                lever.energy.get(rule),
                lever.energy.get(BP),
                lever.area,
                lever.reason,
            )
            for lever in verdict.levers
        ),
    )


def lever_rows(summary: Mapping[str, Any]) -> list[list[Cell]]:
    """The same for the page; what could not be simulated stands last, with its reason."""
    rows = []
    levers = summary.get("levers", [])
    for lever in levers:
        ratios = [lever[what].get(rule) for what in ("latency", "energy") for rule in _pair(levers)]
        cells = [_change(ratio) for ratio in (*ratios, lever["area"])]
        by_hand = lever["reason"] or " ".join(lever["settings"])
        rows.append([Cell(lever["what"], lever["what"]), *cells, Cell(by_hand, by_hand)])
    return rows


def _change(ratio: float | None) -> Cell:
    return Cell("", "") if ratio is None else Cell(f"{100 * (ratio - 1):+.1f} %", ratio)
