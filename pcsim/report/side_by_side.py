"""How do several stored runs compare? One column per run and rule."""

from __future__ import annotations

from collections.abc import Sequence

from pcsim.report.explain.text import columns
from pcsim.report.stored import StoredRun
from pcsim.verdict import network_of
from pcsim.verdict.rows import comparison_rows, names


def side_by_side(runs: Sequence[StoredRun]) -> str:
    """A table of the numbers that a single run's screen shows, all runs beside one another."""
    tables = [comparison_rows(run.summary) for run in runs]
    rows = [
        (
            "",
            *(f"[{place}] {name}" for place, run in _numbered(runs) for name in names(run.summary)),
        )
    ]
    for lines in zip(*tables, strict=True):
        rows.append((lines[0].label, *(cell for line in lines for cell in line.cells)))
    rows.append(("chip area", *(_area(run) for run in runs for _ in run.results)))
    said = [f"[{place}] {run.folder}: {_title(run)}" for place, run in _numbered(runs)]
    return "\n".join([*said, "", *columns(rows)])


def _numbered(runs: Sequence[StoredRun]) -> list[tuple[int, StoredRun]]:
    return list(enumerate(runs, start=1))


def _title(run: StoredRun) -> str:
    facts = run.summary
    network = network_of(facts)
    return f"{facts['hardware']} x {facts['workload']}, {network}, batch {facts['batch']}"


def _area(run: StoredRun) -> str:
    area_mm2 = run.summary["chip"]["area_mm2"]
    return "not known" if area_mm2 is None else f"{area_mm2:.3g} mm²"
