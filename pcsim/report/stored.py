"""What did an earlier run find out? Its report folder, read back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from pcsim.config import Hardware
from pcsim.config.extensions import FLAG, needs_consent, with_extensions
from pcsim.config.validation import validate
from pcsim.config.yaml_marks import read_yaml
from pcsim.errors import PcsimError
from pcsim.report.facts import TABLES, RunFacts
from pcsim.report.reading import read_config, read_summary, stored_table
from pcsim.report.tables import Table
from pcsim.technology import PriceList, price_list

OPTIONAL = ("levers", "links", "roofline", "timeline", "tornado", "tried")
"""Tables that a report may lack: one tile has no links, one candidate no rival, and reports of earlier
versions had fewer."""


@dataclass(frozen=True)
class StoredBillLine:
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
class StoredUnitTime:
    """How one unit spent an update; see ``UnitTime`` of the machine. The rest of it stalled."""

    candidate: str
    kind: str
    busy_cycles: int
    finished_cycles: int


@dataclass(frozen=True)
class StoredRun:
    """A report: its ``summary`` at once, its tables when asked for.

    What is read from other files raises InputError where a file is not there or is not what a run writes.
    """

    folder: Path
    summary: Mapping[str, Any]
    allow_extensions: bool = False

    @property
    def results(self) -> list[Mapping[str, Any]]:
        """The summary's results, one per candidate."""
        return list(self.summary["results"])

    @cached_property
    def lines(self) -> tuple[StoredBillLine, ...]:
        """The bill of one update of every candidate."""
        return tuple(map(_line, self._stored_table("energy").records()))

    @cached_property
    def units(self) -> tuple[StoredUnitTime, ...]:
        """How every unit spent an update, of every candidate."""
        return tuple(map(_unit, self._stored_table("tiles").records()))

    @cached_property
    def hardware(self) -> Hardware | None:
        """The chip, from config.resolved.yaml; None where that cannot be read any more."""
        return self._hardware[0]

    @property
    def why_no_hardware(self) -> str:
        """Why the chip is not known, where it is not: "because ..."."""
        return self._hardware[1]

    @cached_property
    def _hardware(self) -> tuple[Hardware | None, str]:
        unknown = None, "because config.resolved.yaml does not say which chip it was"
        path = self.folder / "config.resolved.yaml"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return unknown
        tree, problems = read_yaml(text.partition("\n---\n")[0], file=str(path))
        if tree is None or problems or not isinstance(tree.value, dict):
            return unknown
        tree, problems = with_extensions(tree, allowed=self.allow_extensions)
        if needs_consent(problems):
            return None, f"because the chip has extensions, which are programs: {FLAG} runs them"
        if problems:
            return None, f"because {problems[0].message}"
        chip = validate(Hardware, tree)[0]
        return unknown if chip is None else (chip, "")

    @cached_property
    def prices(self) -> PriceList | None:
        """What the chip's costs are in today's tables; None where that cannot be told."""
        try:
            return price_list(self.hardware) if self.hardware else None
        except PcsimError:
            return None

    @cached_property
    def facts(self) -> RunFacts:
        """What a report knows of the run; a table that has no rows has no file."""
        tables = {name: self._stored_table(name) for name in TABLES}
        return RunFacts(self.summary, tables, read_config(self.folder / "config.resolved.yaml"))

    def _stored_table(self, name: str) -> Table:
        path = self.folder / f"{name}.csv"
        if name in OPTIONAL and not os.path.lexists(path):
            return Table((), ())
        ids = {str(result["id"]) for result in self.results}
        return stored_table(path, name, candidates=ids)


def _line(row: dict[str, Any]) -> StoredBillLine:
    names = [field.name for field in fields(StoredBillLine)]
    texts = {name: str(row[name]) for name in ("component", "action", "stage", "status", "source")}
    return StoredBillLine(**{**{name: row[name] for name in names}, **texts})


def _unit(row: dict[str, Any]) -> StoredUnitTime:
    return StoredUnitTime(
        row["candidate"], str(row["kind"]), row["busy_cycles"], row["finished_cycles"]
    )


def load_run(reference: Path, *, allow_extensions: bool = False) -> StoredRun:
    """The report in a folder, which can also be named by the summary.json in it.

    ``allow_extensions``: prices of a chip whose file names Python files may be looked up by running them.

    Raises InputError when there is no report, or its summary is not complete.
    """
    named = reference.name == "summary.json" and not reference.is_dir()
    path = reference if named else reference / "summary.json"
    return StoredRun(path.parent, read_summary(path), allow_extensions)
