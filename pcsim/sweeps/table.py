"""What does a sweep say as a table? One row per point and candidate, in the order of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pcsim.report.tables import Table
from pcsim.sweeps.evaluate import COLUMNS, Row
from pcsim.sweeps.plan import Point

if TYPE_CHECKING:
    import pandas as pd


def rows_of(points: Sequence[Point], results: Sequence[Sequence[Row]]) -> list[Row]:
    """The rows of all points, each with the values of its axes; those not taken are not in it."""
    return [
        {**point.values, **row} for point, rows in zip(points, results, strict=True) for row in rows
    ]


def table_of(rows: Sequence[Row], paths: Sequence[str], columns: Sequence[str] = COLUMNS) -> Table:
    """The table with a column for every path and then ``columns``."""
    names = (*paths, *columns)
    return Table(names, tuple(tuple(row.get(name) for name in names) for row in rows))


def frame_of(rows: Sequence[Row], paths: Sequence[str]) -> pd.DataFrame:
    """The same for pandas; a number that is not known is NaN."""
    import pandas as pd

    names = [*paths, *COLUMNS]
    cells: list[list[Any]] = [[row.get(name) for name in names] for row in rows]
    frame = pd.DataFrame(cells, columns=names)
    numbers = [name for name in COLUMNS if name not in ("candidate", "credit", "error")]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    return frame
