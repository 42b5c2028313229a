"""What does a report know of a run, whether it has just ended or was read back from its folder?

Everything that is drawn or listed comes from these values, so that a stored run can be shown again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pcsim.report import style, tables
from pcsim.report.lever_table import lever_table
from pcsim.report.tables import Table
from pcsim.report.timeline import timeline_table
from pcsim.report.tornado import tornado_table
from pcsim.report.tried import tried_table
from pcsim.verdict import Verdict, summary
from pcsim.verdict.rows import names

TABLES = {
    "energy": tables.energy_table,
    "layers": tables.layer_table,
    "learning": tables.learning_table,
    "levers": lever_table,
    "links": tables.link_table,
    "roofline": tables.roofline_table,
    "tiles": tables.tile_table,
    "timeline": timeline_table,
    "tornado": tornado_table,
    "tried": tried_table,
}
"""Each is NAME.csv in the folder."""


@dataclass(frozen=True)
class RunFacts:
    """A run: its ``summary``, its tables by name, the text of its resolved files."""

    summary: Mapping[str, Any]
    tables: Mapping[str, Table]
    config_text: str


def facts_of(verdict: Verdict, *, config_text: str) -> RunFacts:
    """What a report on ``verdict`` knows; ``config_text`` are the resolved files."""
    made = {name: table(verdict) for name, table in TABLES.items()}
    return RunFacts(summary(verdict), made, config_text)


@dataclass(frozen=True)
class Entry:
    """One candidate of one run, as figures show it.

    ``turn`` counts the entries of one rule: it chooses among the looks of that rule. ``rows`` are its
    rows of every table; tables of no single candidate have none. ``parts`` are the names of its layers, none where
    numbers are their names.
    """

    label: str
    rule: str
    turn: int
    result: Mapping[str, Any]
    rows: Mapping[str, list[dict[str, Any]]]
    parts: Sequence[str] = ()

    @property
    def colour(self) -> str:
        shades = style.RULE_SHADES[style.side(self.rule)]
        return shades[self.turn % len(shades)]

    @property
    def marker(self) -> str:
        return style.MARKERS[self.turn % len(style.MARKERS)]

    @property
    def line(self) -> Any:
        return style.RULE_LINES[style.side(self.rule)]

    @property
    def hatch(self) -> str:
        return style.RULE_HATCHES[style.side(self.rule)]


def entries(runs: Mapping[str, RunFacts], *, only: Sequence[str] | None = None) -> list[Entry]:
    """All candidates of ``runs``, or those with an id in ``only``, each called by the key of its run and
    its own name."""
    found: list[Entry] = []
    for key, run in runs.items():
        for name, result in zip(names(run.summary), run.summary["results"], strict=True):
            if only is not None and result["id"] not in only:
                continue
            rule = result["rule"]
            rows = {
                table: [row for row in content.records() if row.get("candidate") == result["id"]]
                for table, content in run.tables.items()
            }
            turn = sum(entry.rule == rule for entry in found)
            parts = run.summary.get("parts", ())
            found.append(Entry(f"{key} {name}".strip(), rule, turn, result, rows, parts))
    return found
