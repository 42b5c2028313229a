"""What does a report consist of, and where does it lie on disk?

Equal inputs give equal bytes in every file but provenance.json.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pcsim.report import tables
from pcsim.report.figures import figures
from pcsim.report.html import page
from pcsim.report.replace import check_folder, replace_folder
from pcsim.report.tornado import tornado_table
from pcsim.report.tried import tried_table
from pcsim.verdict import Verdict, as_json, summary

TRACE = "trace.json.gz"
TABLES = {
    "energy.csv": tables.energy_table,
    "layers.csv": tables.layer_table,
    "learning.csv": tables.learning_table,
    "links.csv": tables.link_table,
    "tiles.csv": tables.tile_table,
    "tornado.csv": tornado_table,
    "tried.csv": tried_table,
}
"""Tables by file; those without a row are not written."""
ENTRIES = frozenset(
    {
        *TABLES,
        TRACE,
        "config.resolved.yaml",
        "figures",
        "provenance.json",
        "report.html",
        "summary.json",
    }
)
"""Everything that a report folder can hold."""


def folder_name(verdict: Verdict, *, config_text: str) -> str:
    """``<hardware>-<workload>-<hash>``, the hash of the resolved files, the seeds and the rules."""
    seeds = ",".join(str(seed) for seed in verdict.seeds)
    rules = ",".join(result.candidate.id for result in verdict.results)
    digest = hashlib.sha256(f"{config_text}\n{seeds}\n{rules}".encode()).hexdigest()[:8]
    name = f"{verdict.hardware.name}-{verdict.workload.name}-{digest}"
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")


def check_replaceable(folder: Path) -> None:
    """Make sure that writing a report to ``folder`` destroys nothing but an earlier report.

    Raises InputError when it is a file, or a folder that holds anything else.
    """
    check_folder(folder, known=ENTRIES)


def write_folder(
    verdict: Verdict,
    folder: Path,
    *,
    config_text: str,
    provenance: Mapping[str, Any],
    trace: bytes | None = None,
) -> Path:
    """Write the report on ``verdict`` to ``folder``, in place of an earlier report there.

    ``config_text`` are the resolved files, ``trace`` a gzipped trace, None for none. A failure
    leaves what was there before. Returns ``folder``.

    Raises InputError when ``folder`` holds anything but a report.
    """
    facts, drawings = summary(verdict), figures(verdict)
    rows = {name: table(verdict) for name, table in TABLES.items()}
    files: dict[str, str | bytes] = {
        "summary.json": as_json(facts),
        "config.resolved.yaml": config_text,
        "provenance.json": as_json(provenance),
        "report.html": page(
            facts, figures=drawings, layers=rows["layers.csv"], config_text=config_text
        ),
        **{name: table.csv() for name, table in rows.items() if table.rows},
        **{f"figures/{name}.svg": svg for name, svg in drawings.items()},
    }
    if trace is not None:
        files[TRACE] = trace
    return replace_folder(folder, files, known=ENTRIES)
