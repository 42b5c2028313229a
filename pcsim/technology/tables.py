"""Which technologies are there, and what does each say: named tables of sourced costs.

Costs of datapaths are those of fp32; ``arithmetic`` holds what other formats need. Leaves out: voltage and
temperature scaling.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pcsim.config.tables import technologies
from pcsim.errors import InputError, Problem
from pcsim.technology.actions import ARITHMETIC_UNITS, UNITS, nearest, quantity_of
from pcsim.technology.arithmetic import QUANTITIES, ArithmeticPrices
from pcsim.technology.costs import Curve, UnitCost
from pcsim.technology.reading import CostReader, read_table, wrong

SCHEMA = "pcsim/technology/1"

CONVERTIBLE = {
    "byte": ("64-bit word", "64-bit flit", "bit", "bit mm"),
    "bank": ("MiB",),
    "router": ("64-bit router",),
    "array cycle": ("clocked PE cycle",),
    "unit cycle": ("clocked lane cycle",),
}
"""Counted unit -> published units that a chip's price can be computed from."""


@dataclass(frozen=True)
class Technology:
    """One table: ``costs`` by key, ``sources`` by ID.

    Keys are those of :mod:`pcsim.technology.actions`, except that ``leakage.sram`` is given by cell
    type, as ``leakage.sram.lstp``. DRAM is not part of a technology.
    """

    name: str
    node: str
    """For example "45 nm"."""
    summary: str
    sources: Mapping[str, str]
    costs: Mapping[str, UnitCost | Curve]
    arithmetic: ArithmeticPrices

    @property
    def node_nm(self) -> float:
        """The node in nanometres."""
        return float(self.node.removesuffix(" nm"))

    @classmethod
    def load(cls, name: str) -> Technology:
        """The shipped table ``name``. Raises InputError when there is none or it is not sound."""
        if name not in available():
            hint = nearest(name, available())
            message = f"technology must be the name of a table, not {name!r}"
            raise InputError((Problem(message=message, hint=hint),))
        return _load(name)


def table_key(key: str, *, cell: str) -> str:
    """Where a technology holds the cost ``key`` of a chip with SRAM of ``cell``."""
    return f"{key}.{cell}" if key == "leakage.sram" else key


def available() -> tuple[str, ...]:
    """Names of the technologies that a hardware file may name."""
    return technologies()


@cache
def _load(name: str) -> Technology:
    return technology_of(read_table(name, schema=SCHEMA), name)


def technology_of(table: Mapping[str, Any], name: str) -> Technology:
    """The technology that parsed YAML describes; ``name`` is the file's, for messages."""
    sources = {key: " ".join(text.split()) for key, text in table["sources"].items()}
    measured_at = table.get("measured_at", {})
    if unknown := sorted(measured_at.keys() - sources.keys()):
        raise wrong(name, f"measured_at must name sources, not {', '.join(unknown)}")
    reader = CostReader(name, sources, measured_at=measured_at)
    costs: dict[str, UnitCost | Curve] = {}
    for key, raw in _entries(table):
        block = key.removesuffix("." + key.rpartition(".")[2]) if key.count(".") == 2 else key
        if block not in UNITS:
            message = f"{key} must be a known cost; {nearest(block, UNITS)}"
            raise wrong(name, message)
        cost = reader.cost(raw, key=key, quantity=quantity_of(block))
        per = cost.per if isinstance(cost, UnitCost) else cost.points[0][1].per
        allowed = (UNITS[block], *CONVERTIBLE.get(UNITS[block], ()))
        if per not in allowed:
            raise wrong(name, f"{key}.per must be one of {', '.join(allowed)}, not {per!r}")
        costs[key] = cost
    return Technology(
        name=table["name"],
        node=table["node"],
        summary=" ".join(table["summary"].split()),
        sources=sources,
        costs=costs,
        arithmetic=_arithmetic(table["arithmetic"], reader),
    )


def _arithmetic(table: Mapping[str, Any], reader: CostReader) -> ArithmeticPrices:
    """The rows of ``arithmetic``: each by format, integers by their bits, a flip-flop for any."""
    if table.keys() != QUANTITIES.keys():
        message = f"arithmetic must hold {', '.join(QUANTITIES)}, not {', '.join(table)}"
        raise wrong(reader.table, message)
    rows: dict[str, dict[str, UnitCost | Curve]] = {}
    for row, quantity in QUANTITIES.items():
        per = "bit" if row == "register_bit" else ARITHMETIC_UNITS[quantity]
        rows[row] = {
            name: reader.cost(
                {"per": per, **raw}, key=f"arithmetic.{row}.{name}", quantity=quantity
            )
            for name, raw in table[row].items()
        }
    return ArithmeticPrices(rows)


def _entries(table: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every entry of the table under its key."""
    for component, actions in table["energy"].items():
        for action, raw in actions.items():
            yield f"{component}.{action}", raw
    for block, raw in table["leakage"].items():
        if block == "sram":
            for cell, own in raw.items():
                yield f"leakage.sram.{cell}", own
        else:
            yield f"leakage.{block}", raw
    for block, raw in table["area"].items():
        yield f"area.{block}", raw
