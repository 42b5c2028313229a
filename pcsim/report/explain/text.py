"""Plain lines of text: columns that align, long sentences that wrap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from pcsim.report.stored import StoredRun
from pcsim.verdict import rule_name

WIDTH = 100


def columns(rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """The rows with aligned cells, the first ``left`` of each to the left and the others to the right."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def wrapped(text: str, *, indent: str = "  ") -> list[str]:
    """A long text as lines, all but the first two deeper."""
    return wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def by_rule(run: StoredRun) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every result with the name that people know it by."""
    for result in run.results:
        yield rule_name(result["rule"]), result
