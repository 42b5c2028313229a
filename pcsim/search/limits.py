"""What must a configuration keep to? Bounds on what counts, with their units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pcsim.config.fields import any_of, did_you_mean
from pcsim.config.marks import show_value
from pcsim.errors import InputError, Problem
from pcsim.sweeps.evaluate import Row
from pcsim.units import QuantityError, parse_quantity

COLUMNS = {
    "energy": ("energy_j", "J", 1.0),
    "latency": ("latency_s", "s", 1.0),
    "area": ("area_mm2", "m2", 1e6),
    "accuracy": ("accuracy", "", 1.0),
}
"""What a limit may be on: its column, its base unit, and the column's unit in that."""

_LIMIT = re.compile(r"\s*([a-z_]+)\s*(<=|>=)\s*(\S.*?)\s*")


@dataclass(frozen=True)
class Limit:
    """``column`` must be at most ``bound``, or at least where ``at_least``."""

    column: str
    bound: float
    at_least: bool = False

    def excess(self, row: Row) -> float:
        """By which part of the bound a row is beyond it; at most 0 where it keeps to it, and where
        its number is not known: what has no bounds, and what has not been trained yet."""
        value = row[self.column]
        if value is None:
            return 0.0
        beyond = self.bound - value if self.at_least else value - self.bound
        return float(beyond / self.bound) if self.bound else float(beyond)


def parse_limits(texts: Sequence[str]) -> tuple[Limit, ...]:
    """Such as ``"latency<=100 us"``, ``"area<=60 mm2"`` or ``"accuracy>=0.95"``.

    Raises:
        InputError: every mistake at once.
    """
    limits: list[Limit] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            limits.append(_parse(text))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(tuple(problems))
    return tuple(limits)


def _parse(text: str) -> Limit:
    match = _LIMIT.fullmatch(text)
    if match is None or match[1] not in COLUMNS:
        name = match[1] if match else ""
        said = (
            f"--limit must be {any_of(COLUMNS)} with <= or >= and a bound, not {show_value(text)}"
        )
        hint = did_you_mean(name, COLUMNS) or "for example --limit 'latency<=100 us'"
        raise InputError((Problem(said, hint=hint),))
    column, unit, size = COLUMNS[match[1]]
    if unit:
        try:
            bound = float(parse_quantity(match[3], unit)) * size
        except QuantityError as error:
            said = f"--limit {match[1]} must be {error.constraint}, not {show_value(match[3])}"
            raise InputError((Problem(said, hint=error.hint),)) from None
    else:
        bound = _share(match[3])
    return Limit(column, bound, match[2] == ">=")


def _share(text: str) -> float:
    number = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)(\s*%)?", text)
    share = float(number[1]) / (100 if number[2] else 1) if number else -1.0
    if not 0 <= share <= 1:
        said = f"--limit accuracy must be a share from 0 to 1 or in %, not {show_value(text)}"
        raise InputError((Problem(said, hint="for example --limit 'accuracy>=95 %'"),))
    return share
