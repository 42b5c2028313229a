"""How is a search written down? The front, all that was timed, and the report on what was run in full."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pcsim.cache import source_fingerprint
from pcsim.search.search import Found
from pcsim.sweeps.keys import SOURCES
from pcsim.sweeps.output import write_output
from pcsim.sweeps.plan import SweepPlan
from pcsim.sweeps.store import Store
from pcsim.sweeps.table import frame_of, table_of

SHOWN_ROWS = 40


def folder_of(plan: SweepPlan, limits: Sequence[str], screen: int) -> Path:
    """``reports/<hardware>-<workload>-search-<hash>``, the hash of what was asked."""
    asked = [
        [[axis.path, axis.values] for group in plan.groups for axis in group.axes],
        [[condition.path, condition.values] for group in plan.groups for condition in group.when],
        [setting.text for setting in plan.settings],
        [str(plan.hardware), str(plan.workload), plan.rule, plan.seed, plan.timing_only],
        [list(limits), screen, source_fingerprint(*SOURCES)],
    ]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:8]
    chip, work = (Path(reference).stem for reference in (plan.hardware, plan.workload))
    return Path("reports") / f"{chip}-{work}-search-{digest}"


def write_found(plan: SweepPlan, found: Found, store: Store) -> None:
    """Write ``search.csv``, the report on what was run in full, and ``front.csv``.

    The front in it keeps to the limits; that of the report is of everything run in full.

    Raises:
        OutputError: the disk is full or fails otherwise.
    """
    store.write("search.csv", table_of(found.screened, plan.paths).csv())
    if found.points:
        write_output(plan, found.points, found.results, store)
    store.write("front.csv", table_of(found.front, plan.paths).csv())


def screen_text(plan: SweepPlan, found: Found) -> str:
    """The front for eyes, and how it was come by."""
    how = "all points of the space" if found.every else "of a larger space, those that were bred"
    lines = [f"timed {len(found.screened):,} points: {how}"]
    if plan.timing_only:
        lines.append("timing only: nothing was trained, accuracy does not count")
    else:
        lines.append(
            f"run in full {len(found.points):,}: for what they learn, no other point is better in "
            "energy, latency and area"
        )
    if found.left_out:
        lines.append(
            f"{found.left_out:,} more could be on the front, but --evaluations left them out"
        )
    if found.otherwise:
        lines.append(
            f"{found.otherwise:,} took other cycles than timed, as inference stopped early: points that "
            "were not run may be better than they were timed at"
        )
    if not found.front:
        return "\n".join([*lines, "no point keeps to the limits"])
    headline = ["accuracy", "energy_j", "latency_s", "area_mm2"]
    truncated = ["credit"] if any(row["credit"] for row in found.front) else []
    columns = [*plan.paths, *headline[plan.timing_only :], *truncated]
    shown = frame_of(found.front[:SHOWN_ROWS], plan.paths)
    lines += ["", f"the front, {len(found.front):,} points:", ""]
    lines.append(shown.to_string(index=False, columns=columns))
    if len(found.front) > SHOWN_ROWS:
        lines.append(f"and {len(found.front) - SHOWN_ROWS:,} more in front.csv")
    return "\n".join(lines)
