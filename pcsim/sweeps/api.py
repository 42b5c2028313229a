"""Many points, one table, from Python: the whole line at every combination of values of the axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from loky import cpu_count

from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.flags import parse_groups
from pcsim.sweeps.plan import Reference, Setting, SweepPlan, count_up_to, points_of
from pcsim.sweeps.run import run_points
from pcsim.sweeps.store import open_store
from pcsim.sweeps.table import frame_of, rows_of
from pcsim.sweeps.workers import started

if TYPE_CHECKING:
    import pandas as pd


def sweep(
    hardware: Reference,
    workload: Reference,
    axes: Sequence[str],
    *,
    zips: Sequence[str] = (),
    conditions: Sequence[str] = (),
    overrides: Sequence[str] = (),
    rule: str = "all",
    seed: int = 0,
    timing_only: bool = False,
    allow_extensions: bool = False,
    jobs: int | None = None,
    cluster: str | None = None,
    folder: Path | None = None,
    stage: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Run the whole line at every point that the axes span; one row per point and candidate.

    ``hardware`` and ``workload`` are files or shipped names; each of ``axes`` is
    "path=value,value,..." or "path=LOW..HIGH xFACTOR", each of ``overrides`` "path=value". Each of
    ``zips`` is "path,path", axes that go together; each of ``conditions`` "path if path=value".
    ``timing_only`` trains nothing: accuracy stays unknown, and predictive coding's inference steps
    are those of the file. ``allow_extensions``: run the Python files that the hardware file names under
    ``extensions``. The work is done by ``jobs`` processes (default: all cores) or by the Dask
    cluster at ``cluster``. Results are kept in ``folder``, where a later call finds them; without one
    only trainings are kept. ``progress`` is told of updates trained.

    A candidate that does not fit its chip keeps its row, with the reason in column ``error``.

    Raises:
        InputError: the mistakes of the points at once, the first 25 of many, before anything is run.
    """
    tell = stage or (lambda _name: None)
    tell("load")
    plan = SweepPlan(
        hardware,
        workload,
        parse_groups(axes, zips=zips, conditions=conditions),
        tuple(Setting(text) for text in overrides),
        rule,
        seed,
        timing_only,
        allow_extensions,
    )
    jobs = jobs or cpu_count()
    with started(1 if cluster is not None else count_up_to(plan, jobs)):
        points = points_of(plan)
    with TemporaryDirectory(prefix="pcsim-sweep-") as temporary:
        results = run_points(
            points,
            plan,
            open_store(folder or Path(temporary)),
            jobs=jobs,
            cluster=cluster,
            stage=stage,
            training=progress,
        )
    known: list[list[Row]] = [rows for rows in results if rows is not None]
    return frame_of(rows_of(points, known), plan.paths)
