"""How the text of a table becomes costs; what is wrong with it is said with file and key."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

from pcsim.config.marks import plain
from pcsim.config.yaml_marks import read_yaml
from pcsim.errors import InputError, Problem
from pcsim.technology.actions import SI
from pcsim.technology.costs import STATUSES, Curve, UnitCost
from pcsim.units import QuantityError, parse_quantity, parse_size


def read_table(name: str, *, schema: str) -> dict[str, Any]:
    """The parsed YAML of one shipped table, which must be of ``schema``."""
    path = resources.files("pcsim.technology") / "tables" / f"{name}.yaml"
    node, problems = read_yaml(path.read_text(encoding="utf-8"), file=path.name)
    if node is None or problems:
        raise InputError(problems)
    table = plain(node)
    if table.get("schema") != schema:
        raise wrong(name, f"schema must be {schema}, not {table.get('schema')!r}")
    return dict(table)


def wrong(table: str, message: str) -> InputError:
    """The error for a mistake in a table."""
    return InputError((Problem(message=message, file=f"{table}.yaml"),))


class CostReader:
    """Reads the costs of one table.

    ``sources`` are the table's sources: a cost may cite only these. ``measured_at`` gives the node of those
    of another node than the table's: a cost that cites one says so in its note, or is refused.
    """

    def __init__(
        self,
        table: str,
        sources: Mapping[str, str],
        *,
        measured_at: Mapping[str, str] | None = None,
    ) -> None:
        self.table = table
        self.sources = sources
        self.measured_at = measured_at or {}

    def cost(self, raw: Mapping[str, Any], *, key: str, quantity: str) -> UnitCost | Curve:
        """One entry ``{<quantity>, per, status, source, low, high, note}``, or one per size or width.

        Raises InputError when a field is missing, unknown or impossible.
        """
        for by, measure in (("by_size", "B"), ("by_bits", "bit")):
            if by in raw:
                return self._curve(raw, by, measure, key=key, quantity=quantity)
        return self._one(raw, key=key, quantity=quantity)

    def _curve(
        self, raw: Mapping[str, Any], by: str, measure: str, *, key: str, quantity: str
    ) -> Curve:
        shared = {name: value for name, value in raw.items() if name != by}
        points = []
        for size, own in raw[by].items():
            cost = self._one({**shared, **own}, key=f"{key}.{by}.{size}", quantity=quantity)
            if cost.low <= 0:
                raise wrong(self.table, f"{key}.{by}.{size}.low must be above 0")
            points.append((parse_size(size) if measure == "B" else int(size), cost))
        points.sort(key=lambda point: point[0])
        return Curve(points=tuple(points), measure=measure)

    def _one(self, raw: Mapping[str, Any], *, key: str, quantity: str) -> UnitCost:
        fields = {quantity, "per", "status", "source", "low", "high"}
        if missing := sorted(fields - raw.keys()):
            raise wrong(self.table, f"{key} must give {', '.join(missing)}")
        if unknown := sorted(raw.keys() - fields - {"note"}):
            raise wrong(self.table, f"{key} must not give {', '.join(unknown)}")
        cited = raw["source"] if isinstance(raw["source"], list) else [raw["source"]]
        for source in cited:
            if source not in self.sources:
                raise wrong(self.table, f"{key}.source must be one of the sources, not {source!r}")
            node = self.measured_at.get(source)
            if node and node not in str(raw.get("note", "")):
                message = f"{key}.note must name {node}, the node at which {source} holds"
                raise wrong(self.table, message)
        if raw["status"] not in STATUSES:
            choices = ", ".join(STATUSES)
            raise wrong(self.table, f"{key}.status must be one of {choices}, not {raw['status']!r}")
        value, low, high = (self._number(raw, key, f, quantity) for f in (quantity, "low", "high"))
        if not low <= value <= high:
            span = f"{raw['low']} .. {raw['high']}"
            message = f"{key}.{quantity} must lie in {span}, not {raw[quantity]!r}"
            raise wrong(self.table, message)
        return UnitCost(
            value=value,
            low=low,
            high=high,
            unit=SI[quantity],
            per=raw["per"],
            status=raw["status"],
            sources=tuple(cited),
            note=" ".join(str(raw.get("note", "")).split()),
        )

    def _number(self, raw: Mapping[str, Any], key: str, field: str, quantity: str) -> float:
        try:
            return float(parse_quantity(raw[field], SI[quantity]))
        except QuantityError as error:
            raise wrong(self.table, f"{key}.{field} {error}") from error
