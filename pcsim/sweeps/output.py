"""What does the folder of a sweep hold besides its points? What was asked, the table, and the report."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.keys import sweep_digest
from pcsim.sweeps.plan import Point, SweepPlan
from pcsim.sweeps.store import PLAN, Store
from pcsim.sweeps.table import rows_of, table_of
from pcsim.version import VERSION


def default_folder(plan: SweepPlan, points: Sequence[Point]) -> Path:
    """``reports/<hardware>-<workload>-sweep-<hash>``, the hash of all that the points depend on.

    So the same sweep comes back to its folder, and another one never gets there.
    """
    digest = sweep_digest(plan.paths, (point.key for point in points))
    chip, work = (Path(reference).stem for reference in (plan.hardware, plan.workload))
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", f"{chip}-{work}-sweep-{digest}").lstrip(".")
    return Path("reports") / name


def write_plan(plan: SweepPlan, points: Sequence[Point], store: Store) -> None:
    """Write what was asked: ``plan.json``."""
    asked = {
        "schema": "pcsim/plan/1",
        "pcsim": VERSION,
        "hardware": points[0].hardware.name,
        "workload": points[0].workload.name,
        "rule": plan.rule,
        "seed": plan.seed,
        "timing_only": plan.timing_only,
        "set": [setting.text for setting in plan.settings],
        "axes": [
            {
                "axes": {axis.path: list(axis.values) for axis in group.axes},
                "when": {condition.path: list(condition.values) for condition in group.when},
            }
            for group in plan.groups
        ],
        "points": len(points),
    }
    store.write(PLAN, json.dumps(asked, indent=2, ensure_ascii=False) + "\n")


def write_output(
    plan: SweepPlan, points: Sequence[Point], results: Sequence[Sequence[Row]], store: Store
) -> list[Row]:
    """Write ``sweep.csv`` and the report; equal results give equal bytes. Returns the rows.

    Raises:
        OutputError: the disk is full or fails otherwise.
    """
    from pcsim.sweeps.report import report_files

    rows = rows_of(points, results)
    store.write("sweep.csv", table_of(rows, plan.paths).csv())
    for name, text in report_files(plan, points[0], rows).items():
        store.write(name, text)
    return rows
