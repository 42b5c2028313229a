"""A sweep's folder: one CSV, one figure."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pcsim.report import replace_folder
from pcsim.sweeps.sweep import COLUMNS

if TYPE_CHECKING:
    import pandas as pd


def write_sweep(table: pd.DataFrame, folder: Path | None, *, name: str) -> Path:
    """Write ``sweep.csv`` and ``sweep.svg`` to ``folder``, atomically, in place of an earlier sweep.

    Without ``folder`` it goes to ``reports/<name>-sweep-<hash>``, the hash being of the table, so that
    different sweeps never overwrite each other. Returns the folder.

    Raises:
        InputError: ``folder`` holds anything but a sweep.
    """
    from pcsim.sweeps.figure import sweep_figure

    text = table.to_csv(index=False, lineterminator="\n")
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    axes = [column for column in table.columns if column not in COLUMNS]
    files = {"sweep.csv": text, "sweep.svg": sweep_figure(table, axes)}
    return replace_folder(folder or Path("reports") / f"{name}-sweep-{digest}", files)
