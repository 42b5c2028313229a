"""What is a figure of a report: a drawing, the numbers that are drawn, and what to say about them."""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.report.svg import Drawing
from pcsim.report.tables import Table


@dataclass(frozen=True)
class Figure:
    """``name`` is that of its files; ``data`` are the numbers drawn, in SI units and cycles."""

    name: str
    title: str
    caption: str
    drawing: Drawing
    data: Table
