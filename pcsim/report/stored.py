"""What did an earlier run find out? Its report folder, read back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pcsim.config import Hardware
from pcsim.config.extensions import with_extensions
from pcsim.config.validation import validate
from pcsim.config.yaml_marks import read_yaml
from pcsim.errors import InputError, PcsimError, Problem
from pcsim.report.facts import TABLES, RunFacts
from pcsim.report.tables import Table, read_table
from pcsim.technology import PriceList, price_list
from pcsim.verdict.summary import SCHEMA

Row = TypeVar("Row")
OPTIONAL = ("levers", "links", "roofline", "timeline", "tornado", "tried")
"""Tables that a report may lack: one tile has no links, one candidate no rival, and reports of earlier
versions had fewer."""


@dataclass(frozen=True)
class Line:
    """One row of energy.csv; see ``BillLine``."""

    candidate: str
    component: str
    action: str
    layer: int | None
    stage: str
    count: int
    unit_j: float
    energy_j: float
    status: str
    source: str

    @property
    def key(self) -> str:
        """The key of the price behind this line."""
        return f"{'leakage' if self.stage == 'static' else self.component}.{self.action}"


@dataclass(frozen=True)
class UnitTime:
    """How one unit spent an update; see ``UnitTime`` of the machine. The rest of it stalled."""

    candidate: str
    kind: str
    busy_cycles: int
    finished_cycles: int


@dataclass(frozen=True)
class StoredRun:
    """A report: its ``summary`` at once, its tables when asked for.

    ``lines`` and ``units`` raise InputError where their file is not there or is no such table.
    """

    folder: Path
    summary: Mapping[str, Any]

    @property
    def results(self) -> list[Mapping[str, Any]]:
        """The summary's results, one per candidate."""
        return list(self.summary["results"])

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The bill of one update of every candidate."""
        return self._table("energy.csv", _line)

    @cached_property
    def units(self) -> tuple[UnitTime, ...]:
        """How every unit spent an update, of every candidate."""
        return self._table("tiles.csv", _unit)

    @cached_property
    def hardware(self) -> Hardware | None:
        """The chip, from config.resolved.yaml; None where that cannot be read any more."""
        try:
            text = (self.folder / "config.resolved.yaml").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        tree, problems = read_yaml(text.partition("\n---\n")[0], file="config.resolved.yaml")
        if tree is None or problems or not isinstance(tree.value, dict):
            return None
        tree, problems = with_extensions(tree)
        return None if problems else validate(Hardware, tree)[0]

    @cached_property
    def prices(self) -> PriceList | None:
        """What the chip's costs are in today's tables; None where that cannot be told."""
        try:
            return price_list(self.hardware) if self.hardware else None
        except PcsimError:
            return None

    @cached_property
    def facts(self) -> RunFacts:
        """What a report knows of the run. Raises InputError where a file is not there or is no table of
        a run; a table that has no rows has no file."""
        tables = {name: self._stored_table(name) for name in TABLES}
        try:
            text = (self.folder / "config.resolved.yaml").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise self._incomplete("config.resolved.yaml") from None
        return RunFacts(self.summary, tables, text)

    def _stored_table(self, name: str) -> Table:
        path = self.folder / f"{name}.csv"
        if name in OPTIONAL and not path.exists():
            return Table((), ())
        try:
            return read_table(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise self._incomplete(path.name) from None

    def _incomplete(self, name: str) -> InputError:
        message = f"{self.folder / name} must be the file that a run writes"
        hint = "run it again: the report is not complete"
        return InputError((Problem(message, hint=hint),))

    def _table(self, name: str, read: Callable[[dict[str, str]], Row]) -> tuple[Row, ...]:
        path = self.folder / name
        try:
            with path.open(encoding="utf-8", newline="") as file:
                return tuple(read(row) for row in csv.DictReader(file))
        except (OSError, csv.Error, KeyError, TypeError, ValueError):
            message = f"{path} must be the table that a run writes"
            hint = "run it again: the report is not complete"
            raise InputError((Problem(message, hint=hint),)) from None


def _line(row: dict[str, str]) -> Line:
    return Line(
        candidate=row["candidate"],
        component=row["component"],
        action=row["action"],
        layer=int(row["layer"]) if row["layer"] else None,
        stage=row["stage"],
        count=int(row["count"]),
        unit_j=float(row["unit_j"]),
        energy_j=float(row["energy_j"]),
        status=row["status"],
        source=row["source"],
    )


def _unit(row: dict[str, str]) -> UnitTime:
    busy, finished = int(row["busy_cycles"]), int(row["finished_cycles"])
    return UnitTime(row["candidate"], row["kind"], busy, finished)


def load_run(reference: Path) -> StoredRun:
    """The report in a folder, which can also be named by the summary.json in it.

    Raises InputError when there is no report.
    """
    path = reference if reference.name == "summary.json" else reference / "summary.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _no_report(reference) from None
    if not isinstance(summary, dict) or summary.get("schema") != SCHEMA:
        raise _no_report(reference)
    return StoredRun(path.parent, summary)


def _no_report(reference: Path) -> InputError:
    message = f"RUN must be the folder of a report, with its summary.json, not {str(reference)!r}"
    return InputError((Problem(message, hint="pcsim run writes one, and says where"),))
