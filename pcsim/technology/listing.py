"""The tables as people read them: Markdown rows of every cost with its range, status and source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pcsim.technology.analog import AnalogParts
from pcsim.technology.costs import Curve, UnitCost
from pcsim.technology.dram import DramKind
from pcsim.technology.tables import Technology

DISPLAY = {"J": (1e12, "pJ"), "W": (1e3, "mW"), "m2": (1e6, "mm2")}
"""One unit for a whole column, so that rows compare at a glance."""


def technology_markdown(technology: Technology) -> str:
    """Every cost of a technology, then its sources."""
    rows = [row for key, entry in technology.costs.items() for row in _rows(key, entry)]
    for kind, entries in technology.arithmetic.rows.items():
        for name, entry in entries.items():
            rows += _rows(f"arithmetic.{kind}.{name}", entry)
    return f"{_table(rows)}\n\n{_sources(technology.sources)}"


def analog_markdown(analog: AnalogParts) -> str:
    """Every part of crossbars, then the sources."""
    rows = (row for key, part in analog.parts.items() for row in _rows(key, part))
    return f"{_table(rows)}\n\n{_sources(analog.sources)}"


def dram_markdown(kinds: Iterable[DramKind]) -> str:
    """Every part of every kind and what its prices are made of, then the sources."""
    kinds = tuple(kinds)
    rows: list[str] = []
    sums: list[str] = []
    for kind in kinds:
        for name, part in kind.parts.items():
            rows += _rows(f"{kind.name}.{name}", part)
        made_of = {"read_byte": kind.read_byte, "write_byte": kind.write_byte}
        if kind.burst_read != kind.read_byte:
            made_of["read_byte, rows counted"] = kind.burst_read
        if kind.burst_write != kind.write_byte:
            made_of["write_byte, rows counted"] = kind.burst_write
        for price, parts in {**made_of, "standby": kind.standby}.items():
            sums.append(f"- `{kind.name}`: {price} = {' + '.join(parts)}")
    return "\n\n".join((_table(rows), "\n".join(sums), _sources(kinds[0].sources)))


def _rows(key: str, entry: UnitCost | Curve) -> Iterator[str]:
    if isinstance(entry, UnitCost):
        yield _row(key, entry, note=entry.note)
        return
    before = None
    for size, cost in entry.points:
        note = "as above" if cost.note == before else cost.note
        yield _row(f"{key}, {entry.shown(size)}", cost, note=note)
        before = cost.note


def _row(name: str, cost: UnitCost, *, note: str) -> str:
    factor, unit = DISPLAY[cost.unit]
    value, low, high = (f"{number * factor:.6g}" for number in (cost.value, cost.low, cost.high))
    sources = ", ".join(cost.sources)
    cells = (name, f"{value} {unit}", f"{low} .. {high}", cost.per, cost.status, sources, note)
    return f"| {' | '.join(cells)} |"


def _table(rows: Iterable[str]) -> str:
    head = "| cost | value | range | per | status | source | note |\n|---|---|---|---|---|---|---|"
    return "\n".join((head, *rows))


def _sources(sources: Mapping[str, str]) -> str:
    return "\n".join(f"- **{key}** {text}" for key, text in sources.items())
