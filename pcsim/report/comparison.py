"""How do several runs compare? One page, the table for spreadsheets and papers, and the figures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pcsim.report.comparison_table import comparison_table, latex
from pcsim.report.facts import RunFacts
from pcsim.report.figure import Figure
from pcsim.report.figures import comparison_figures
from pcsim.report.folder import figure_files
from pcsim.report.html import render
from pcsim.report.reading import drawing
from pcsim.report.replace import check_folder, replace_folder
from pcsim.report.stored import StoredRun
from pcsim.verdict import as_json, network_of
from pcsim.verdict.rows import comparison_rows, names

ENTRIES = frozenset({"report.html", "comparison.csv", "comparison.tex", "figures"})
"""Everything that a comparison's folder can hold."""
MARKS = {"report.html": b" runs compared</title>", "comparison.csv": b"candidate,test_accuracy,"}
"""By what it is told that pcsim wrote a comparison."""
ABSENT = "-"


class Difference(NamedTuple):
    """A place in the resolved files, and what every run has there."""

    path: str
    values: tuple[str, ...]


def compare_runs(
    runs: Sequence[StoredRun], folder: Path | None = None, *, png: bool = False
) -> Path:
    """Write the comparison of ``runs`` to ``folder``, by default one in reports named by what it compares.

    Returns the folder.

    Raises:
        InputError: a run is not complete, or the folder holds anything but an earlier comparison.
        OutputError: it could not be written.
    """
    folder = folder or Path("reports") / _name(runs)
    check_folder(folder, known=ENTRIES, marks=MARKS)
    facts = {f"[{number}]": run.facts for number, run in enumerate(runs, start=1)}
    with drawing(" and ".join(dict.fromkeys(str(run.folder) for run in runs))):
        figures = comparison_figures(facts)
        table = comparison_table(facts)
        files = {
            "report.html": comparison_page(
                facts, figures, folders=[str(run.folder) for run in runs]
            ),
            "comparison.csv": table.csv(),
            "comparison.tex": latex(table),
            **figure_files(figures, png=png),
        }
    return replace_folder(folder, files, known=ENTRIES, marks=MARKS, last="report.html")


def _name(runs: Sequence[StoredRun]) -> str:
    said = "".join(as_json(run.summary) + run.facts.config_text for run in runs)
    return f"comparison-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def comparison_page(
    runs: Mapping[str, RunFacts], figures: Sequence[Figure], *, folders: Sequence[str]
) -> str:
    """The page as HTML text; ``folders`` say where each of ``runs`` lies."""
    tables = [comparison_rows(run.summary) for run in runs.values()]
    values = {
        "runs": [
            {
                "key": key,
                "title": f"{run.summary['hardware']} x {run.summary['workload']}",
                "network": network_of(run.summary),
                "batch": run.summary["batch"],
                "seeds": len(run.summary["seeds"]),
                "folder": folder,
                "sentences": run.summary["sentences"],
            }
            for (key, run), folder in zip(runs.items(), folders, strict=True)
        ],
        "heads": [f"{key} {name}" for key, run in runs.items() for name in names(run.summary)],
        "rows": [
            (lines[0].label, [cell for line in lines for cell in line.cells])
            for lines in zip(*tables, strict=True)
        ],
        "ratio_heads": [key for key, run in runs.items() if run.summary["ratios"]],
        "ratios": [
            (lines[0].label, [line.ratio for line in lines])
            for lines in zip(
                *(
                    rows
                    for rows, run in zip(tables, runs.values(), strict=True)
                    if run.summary["ratios"]
                ),
                strict=True,
            )
            if any(line.ratio for line in lines)
        ],
        "differences": differences(runs),
        "keys": list(runs),
        "left_out": list(
            dict.fromkeys(said for run in runs.values() for said in run.summary["not_modelled"])
        ),
    }
    return render("comparison.html.j2", figures, values)


def differences(runs: Mapping[str, RunFacts]) -> list[Difference]:
    """Where the resolved files of ``runs`` differ, as they write it; in the order of the files."""
    read = [_values(run.config_text) for run in runs.values()]
    paths = dict.fromkeys(path for values in read for path in values)
    found = (Difference(path, tuple(values.get(path, ABSENT) for values in read)) for path in paths)
    return [difference for difference in found if len(set(difference.values)) > 1]


def _values(text: str) -> dict[str, str]:
    """Every value of the hardware file and the workload file by its path."""
    values: dict[str, str] = {}
    for kind, tree in zip(
        ("hardware", "workload"), yaml.load_all(text, yaml.BaseLoader), strict=False
    ):
        _collect(tree, kind, values)
    return values


def _flow(tree: Any) -> str:
    """A value as YAML writes it on one line."""
    if isinstance(tree, dict):
        return f"{{{', '.join(f'{key}: {_flow(value)}' for key, value in tree.items())}}}"
    if isinstance(tree, list):
        return f"[{', '.join(map(_flow, tree))}]"
    return str(tree)


def _collect(tree: Any, path: str, into: dict[str, str]) -> None:
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            _collect(value, f"{path}.{key}", into)
    elif isinstance(tree, list):
        into[path] = _flow(tree)
    else:
        into[path] = str(tree)
