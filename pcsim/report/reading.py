"""Is what lies in a stored report what a run writes? Every mistake is told with its place."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from pcsim.config.yaml_marks import DEEPEST
from pcsim.errors import InputError, PcsimError, Problem
from pcsim.report.tables import Cell, Table, read_table
from pcsim.verdict.summary import SCHEMA

HINT = "run it again: the report is not complete"
MOST_PROBLEMS = 8
"""So many mistakes of one file are told."""

_NUMBER, _TEXT, _COUNT, _MAYBE = "number", "text", "count", "number or empty"
COLUMNS: dict[str, dict[str, str]] = {
    "energy": {
        "component": _TEXT, "action": _TEXT, "layer": _MAYBE, "stage": _TEXT, "count": _COUNT, "unit_j": _NUMBER,
        "energy_j": _NUMBER, "status": _TEXT, "source": _TEXT,
    },
    "layers": {
        "layer": _MAYBE, "n_in": _MAYBE, "n_out": _MAYBE, "parameters": _MAYBE, "tiles": _MAYBE, "credited": _MAYBE,
        "macs": _MAYBE, "sram_bytes": _MAYBE, "noc_byte_hops": _MAYBE, "dram_bytes": _MAYBE, "energy_j": _NUMBER,
    },
    "learning": {
        "seed": _COUNT, "updates": _COUNT, "samples": _COUNT, "time_s": _NUMBER, "energy_j": _NUMBER,
        "validation_accuracy": _NUMBER, "validation_loss": _MAYBE, "training_energy": _MAYBE,
    },
    "links": {
        "from_tile": _NUMBER, "to_tile": _NUMBER, "bytes": _COUNT, "bytes_per_cycle": _NUMBER, "utilization": _MAYBE,
    },
    "roofline": {
        "level": _TEXT, "macs": _COUNT, "bytes": _COUNT, "latency_s": _NUMBER, "peak_macs_per_s": _NUMBER,
        "bandwidth_bytes_per_s": _MAYBE,
    },
    "tiles": {
        "unit": _TEXT, "kind": _TEXT, "tile": _NUMBER, "busy_cycles": _COUNT, "finished_cycles": _COUNT,
        "utilization": _NUMBER,
    },
    "timeline": {"layer": _COUNT, "kind": _TEXT, "start_cycle": _COUNT, "end_cycle": _COUNT},
    "tornado": {
        "key": _TEXT, "status": _TEXT, "at_low": _NUMBER, "at_high": _NUMBER, "at_half": _NUMBER, "at_double": _NUMBER,
    },
}  # fmt: skip
"""What the columns of a table must hold; other tables are only shown."""
LARGEST = 1e18
_NO_CANDIDATE = ("tornado", "levers", "tried")


def read_summary(path: Path) -> dict[str, Any]:
    """The summary of a run, with all that a report needs.

    Raises:
        InputError: there is none, or something is missing in it or is not what it must be.
    """
    from pydantic import ValidationError

    from pcsim.report.summary_model import Summary, place_of

    try:
        if not path.is_file():  # A pipe would be waited for.
            raise no_report(path)
        found = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(found, ensure_ascii=False).encode()  # Half a letter can be read but not written.
    except (OSError, ValueError, RecursionError):
        raise no_report(path) from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise no_report(path)
    try:
        Summary.model_validate(found)
    except ValidationError as error:
        told = dict.fromkeys(
            f"{path}: {_sentence(place_of(each['loc']), each)}"
            for each in error.errors(include_url=False)
        )
        raise incomplete(list(told)[:MOST_PROBLEMS]) from None
    except RecursionError:
        raise no_report(path) from None
    return found


_BOUNDS = {
    "greater_than": ("gt", "must be above"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than_equal": ("le", "must be at most"),
}


def _sentence(place: str, mistake: Mapping[str, Any]) -> str:
    """What is wrong at ``place``, from pydantic's words."""
    kind, message = mistake["type"], mistake["msg"]
    if kind == "missing":
        return f"{place} must be there"
    if kind == "value_error":
        return str(message).removeprefix("Value error, ")
    constraint = message.replace("Input should", "must", 1)
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        constraint = f"{words} {mistake['ctx'][name]:g}"
    elif not constraint.startswith("must"):
        constraint = f"must be right ({message})"
    shown = repr(mistake["input"])
    return f"{place} {constraint}, not {shown if len(shown) <= 60 else f'{shown[:57]}...'}"


def stored_table(path: Path, name: str, *, candidates: Collection[str]) -> Table:
    """A table of a run.

    Raises:
        InputError: it is not there, is no such table, or holds what no run writes.
    """
    try:
        if not path.is_file():
            raise incomplete([f"{path} must be the table that a run writes"])
        table = read_table(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, csv.Error):
        raise incomplete([f"{path} must be the table that a run writes"]) from None
    known = COLUMNS.get(name, {})
    needed = [*known, *([] if name in _NO_CANDIDATE else ["candidate"])]
    lacking = [column for column in needed if column not in table.columns]
    if lacking or len(set(table.columns)) < len(table.columns):
        said = f"must have a column {lacking[0]!r}" if lacking else "must have every column once"
        raise incomplete([f"{path} {said}"])
    for number, row in enumerate(table.records(), start=2):
        for column, cell in row.items():
            if not _is(cell, known.get(column, "anything")):
                said = f"must be a {known.get(column, 'number')}, not {cell!r}"
                raise incomplete([f"{path}:{number}: {column} {said}"])
        if "candidate" in needed and row["candidate"] not in candidates:
            raise incomplete(
                [f"{path}:{number}: candidate must be one of the results, not {row['candidate']!r}"]
            )
    return table


def _is(cell: Cell, kind: str) -> bool:
    if isinstance(cell, int | float) and not (math.isfinite(cell) and abs(cell) <= 1e300):
        return False
    if kind == _COUNT:
        return isinstance(cell, int) and 0 <= cell <= LARGEST
    if kind in (_NUMBER, _MAYBE):
        if cell is None:
            return kind == _MAYBE
        return isinstance(cell, int | float)
    return True


def read_config(path: Path) -> str:
    """The resolved files of a run, as text.

    Raises:
        InputError: they are not there, or are no files that pcsim writes.
    """
    try:
        if not path.is_file():
            raise OSError
        text = path.read_text(encoding="utf-8")
        levels = 0
        for event in yaml.parse(text, yaml.SafeLoader):
            levels += isinstance(event, yaml.CollectionStartEvent)
            levels -= isinstance(event, yaml.CollectionEndEvent)
            # A few lines of aliases can stand for billions, and deep levels take a parser minutes.
            if isinstance(event, yaml.AliasEvent) or levels > DEEPEST:
                raise ValueError
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        raise incomplete([f"{path} must be the file that a run writes"]) from None
    return text


def no_report(path: Path) -> InputError:
    """The error that ``path`` is no summary of a report."""
    message = f"RUN must be the folder of a report, with its summary.json, not {str(path.parent)!r}"
    return InputError((Problem(message, hint="pcsim run writes one, and says where"),))


def incomplete(messages: list[str]) -> InputError:
    """The error that files of a report are not what a run writes."""
    *before, last = messages
    return InputError((*map(Problem, before), Problem(last, hint=HINT)))


@contextmanager
def drawing(folders: str) -> Iterator[None]:
    """Within it, what cannot be drawn is told to be the report's fault: each file is right by itself, but they
    do not belong together."""
    try:
        yield
    except PcsimError:
        raise
    except (
        ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
        yaml.YAMLError,
    ) as error:  # fmt: skip
        said = f"{folders} must hold files that belong together ({type(error).__name__}: {error})"
        raise incomplete([said]) from error
