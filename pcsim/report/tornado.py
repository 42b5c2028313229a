"""What would each cost alone do to the energy ratio? The numbers of a tornado chart."""

from __future__ import annotations

from dataclasses import astuple, fields

from pcsim.report.tables import Table
from pcsim.verdict import Swing, Verdict


def tornado_table(verdict: Verdict) -> Table:
    """One row per cost that was paid, the widest swing first; columns as the fields of ``Swing``.

    Ratios are PC's energy per update over BP's. ``turns_`` are 1 where the cost turns the verdict, 0 where
    it does not, and empty where there is no verdict to turn.
    """
    columns = tuple(field.name for field in fields(Swing))
    rows = tuple(
        tuple(int(cell) if isinstance(cell, bool) else cell for cell in astuple(swing))
        for swing in verdict.tornado
    )
    return Table(columns, rows)
