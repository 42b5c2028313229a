"""What does a report consist of, and where does it lie on disk?

Equal inputs give equal bytes in every file but provenance.json.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pcsim.config import Candidate, Hardware, Workload
from pcsim.report.comparison_table import comparison_table, latex
from pcsim.report.facts import TABLES, RunFacts, facts_of
from pcsim.report.figure import Figure
from pcsim.report.figures import run_figures
from pcsim.report.reading import drawing, incomplete
from pcsim.report.replace import check_folder, replace_folder
from pcsim.report.run_page import run_page
from pcsim.report.stored import StoredRun
from pcsim.verdict import Verdict, as_json

TRACE = "trace.json.gz"
ENTRIES = frozenset(
    {
        *(f"{name}.csv" for name in TABLES),
        TRACE,
        "comparison.csv",
        "comparison.tex",
        "config.resolved.yaml",
        "figures",
        "provenance.json",
        "report.html",
        "summary.json",
    }
)
"""Everything that a report folder can hold."""
MARKS = {
    "summary.json": b'"pcsim/summary/',
    "provenance.json": b'"pcsim/provenance/',
    "config.resolved.yaml": b"schema: pcsim/hardware/",
}
"""By what it is told that pcsim wrote a report, though some of it may be damaged or gone."""


def folder_name(verdict: Verdict, *, config_text: str) -> str:
    """``<hardware>-<workload>-<hash>``, the hash of the resolved files, the seeds and the rules."""
    return planned_name(
        verdict.hardware,
        verdict.workload,
        seeds=verdict.seeds,
        candidates=[result.candidate for result in verdict.results],
        config_text=config_text,
    )


def planned_name(
    hardware: Hardware,
    workload: Workload,
    *,
    seeds: Sequence[int],
    candidates: Sequence[Candidate],
    config_text: str,
) -> str:
    """``folder_name`` of the verdict to come, where each rule has one candidate."""
    numbers = ",".join(str(seed) for seed in seeds)
    rules = ",".join(candidate.id for candidate in candidates)
    digest = hashlib.sha256(f"{config_text}\n{numbers}\n{rules}".encode()).hexdigest()[:8]
    name = f"{hardware.name}-{workload.name}-{digest}"
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")


def check_replaceable(folder: Path) -> None:
    """Make sure that writing a report to ``folder`` destroys nothing but an earlier report.

    Raises InputError when it is a file, or a folder that holds anything else.
    """
    check_folder(folder, known=ENTRIES, marks=MARKS)


def write_folder(
    verdict: Verdict,
    folder: Path,
    *,
    config_text: str,
    provenance: Mapping[str, Any],
    trace: bytes | None = None,
    png: bool = False,
) -> Path:
    """Write the report on ``verdict`` to ``folder``, in place of an earlier report there.

    ``config_text`` are the resolved files, ``trace`` a gzipped trace, None for none; ``png`` asks for
    the figures as pictures, too. A failure leaves what was there before. Returns ``folder``.

    Raises InputError when ``folder`` holds anything but a report.
    """
    run = facts_of(verdict, config_text=config_text)
    files = {**run_files(run, png=png), "provenance.json": as_json(provenance)}
    if trace is not None:
        files[TRACE] = trace
    return replace_folder(folder, files, known=ENTRIES, marks=MARKS, last="summary.json")


def write_again(run: StoredRun, folder: Path, *, png: bool = False) -> Path:
    """Write the report of a stored run to another folder, or to its own; returns that folder.

    Where, when and with what it was run is taken over, and so is its trace.

    Raises InputError as ``write_folder``, and where the run is not complete.
    """
    check_replaceable(folder)
    kept = {}
    for name in ("provenance.json", TRACE):
        path = run.folder / name
        try:
            if path.is_file():
                kept[name] = path.read_bytes()
        except OSError:
            raise incomplete([f"{path} must be a file that can be read"]) from None
    with drawing(str(run.folder)):
        files = {**run_files(run.facts, png=png), **kept}
    return replace_folder(folder, files, known=ENTRIES, marks=MARKS, last="summary.json")


def run_files(run: RunFacts, *, png: bool) -> dict[str, str | bytes]:
    """Everything that follows from the facts alone, by path in the folder."""
    figures = run_figures(run)
    compared = comparison_table({"": run})
    return {
        "summary.json": as_json(run.summary),
        "config.resolved.yaml": run.config_text,
        "report.html": run_page(run, figures),
        "comparison.csv": compared.csv(),
        "comparison.tex": latex(compared),
        **{f"{name}.csv": table.csv() for name, table in run.tables.items() if table.rows},
        **figure_files(figures, png=png),
    }


def figure_files(figures: Sequence[Figure], *, png: bool) -> dict[str, str | bytes]:
    """Every figure as SVG, the numbers drawn as CSV, and, if asked for, the picture as PNG."""
    files: dict[str, str | bytes] = {}
    for figure in figures:
        files[f"figures/{figure.name}.svg"] = figure.drawing.svg
        files[f"figures/{figure.name}.csv"] = figure.data.csv()
        if png:
            files[f"figures/{figure.name}.png"] = figure.drawing.png()
    return files
