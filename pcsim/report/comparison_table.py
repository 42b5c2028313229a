"""How do candidates compare, as a table for spreadsheets and for papers?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pcsim.report.facts import RunFacts, entries
from pcsim.report.tables import Cell, Table
from pcsim.units import scale_of


class Column(NamedTuple):
    """A column of the paper's table: the head, and the base unit, which is scaled for all rows alike.

    Without a unit numbers are counts; "%" turns fractions into per cent.
    """

    head: str
    unit: str = ""


COLUMNS = {
    "candidate": Column("Candidate"),
    "test_accuracy": Column("Accuracy", "%"),
    "inference_steps": Column("Steps"),
    "macs": Column("MACs"),
    "latency_s": Column("Latency", "s"),
    "energy_j": Column("Energy", "J"),
    "edp_js": Column("EDP", "J·s"),
    "utilization": Column("Utilization", "%"),
    "updates_to_target": Column("Updates to target"),
    "energy_to_target_j": Column("Energy to target", "J"),
    "time_to_target_s": Column("Time to target", "s"),
}
UNITS = {"µ": r"\textmu ", "·": r"\,"}


def comparison_table(runs: Mapping[str, RunFacts]) -> Table:
    """One row per candidate of every run: of one update, and to the target, in SI units.

    Accuracies and what it took to the target are means over seeds; empty where not every seed reached
    it.
    """
    rows: list[tuple[Cell, ...]] = []
    for entry in entries(runs):
        result = entry.result
        update, target = result["per_update"], result["to_target"]
        rows.append(
            (
                entry.label,
                result["accuracy"]["mean"],
                result["inference_steps"],
                update["macs"],
                update["latency_s"],
                update["energy_j"],
                update["edp_js"],
                update["utilization"],
                target["updates"],
                target["energy_j"],
                target["time_s"],
            )
        )
    return Table(tuple(COLUMNS), tuple(rows))


def latex(table: Table) -> str:
    """The comparison for a paper: LaTeX with booktabs, units in the heads, three digits."""
    heads, scaled = [], []
    for at, column in enumerate(table.columns):
        head, cells = _scaled(COLUMNS[column], [row[at] for row in table.rows])
        heads.append(head)
        scaled.append(cells)
    lines = [" & ".join(cells) + r" \\" for cells in zip(*scaled, strict=True)]
    return "\n".join(
        (
            r"% \usepackage{booktabs, textcomp}. Energy, latency and EDP of one update; to target: means over seeds.",
            rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        )
    )


def _scaled(column: Column, cells: Sequence[Cell]) -> tuple[str, list[str]]:
    """The head with its unit, and the cells in that unit; a dash where nothing is known."""
    numbers = [cell for cell in cells if isinstance(cell, int | float)]
    head, size = _escaped(column.head), 1.0
    if column.unit == "%":
        head, size = rf"{head} (\%)", 0.01
    elif column.unit and numbers:
        scale = scale_of(max(numbers), column.unit)
        head, size = f"{head} ({_unit(scale.name)})", scale.size
    return head, [_cell(cell, size, counted=not column.unit) for cell in cells]


def _cell(cell: Any, size: float, *, counted: bool) -> str:
    if cell is None:
        return "--"
    if isinstance(cell, str):
        return _escaped(cell)
    if counted:
        return f"{cell:,.0f}".replace(",", r"\,")
    text = f"{cell / size:.3g}"
    return text if "e" not in text else f"{cell / size:.0f}"


def _unit(unit: str) -> str:
    return "".join(UNITS.get(letter, letter) for letter in unit)


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: rf"\{letter}" for letter in "&%$#_{}"},
}


def _escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return re.sub(r"[\\~^&%$#_{}]", lambda found: _SPECIAL[found[0]], text)
