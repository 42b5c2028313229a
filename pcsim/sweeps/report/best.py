"""Which configuration is best at what, and in what do the best ones differ?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pcsim.report.tables import Cell, Table
from pcsim.sweeps.evaluate import COLUMNS, Row
from pcsim.sweeps.report.front import Objective, objectives_of, rule_of, rules_of


@dataclass(frozen=True)
class Best:
    """The row of a rule that is best by ``objective``; of equals the first in the table."""

    rule: str
    objective: Objective
    row: Row


def best_of(rows: Sequence[Row]) -> list[Best]:
    """The best rows, by rule and then by objective."""
    found = []
    for rule in rules_of(rows):
        mine = [row for row in rows if rule_of(row) == rule and not row["error"]]
        for objective in objectives_of(rows):
            if mine:
                best = min(mine, key=lambda row: -objective.better * row[objective.column])
                found.append(Best(rule, objective, best))
    return found


def best_table(best: Sequence[Best], paths: Sequence[str]) -> Table:
    """One row per best configuration, with the whole row of the sweep behind it."""
    names = (*paths, *COLUMNS)
    rows: list[tuple[Cell, ...]] = [
        (one.rule, one.objective.column, *(one.row.get(name) for name in names)) for one in best
    ]
    return Table(("rule", "best_by", *names), tuple(rows))
