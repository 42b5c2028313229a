"""Where do the energy numbers come from? Every price that was paid, and what its sources are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pcsim.errors import PcsimError
from pcsim.report.facts import RunFacts
from pcsim.report.html import Cell, same
from pcsim.technology import DramKind, Technology, dram_kinds
from pcsim.units import format_quantity


def price_rows(run: RunFacts) -> list[list[Cell]]:
    """Cost, joules (of static ones: per cycle), status, source and share of each candidate's energy;
    the largest share first."""
    totals = {result["id"]: result["per_update"]["energy_j"] for result in run.summary["results"]}
    prices: dict[tuple[str, str], Mapping[str, Any]] = {}
    spent: dict[tuple[str, str], dict[str, float]] = {}
    for row in run.tables["energy"].records():
        key = row["component"], row["action"]
        prices.setdefault(key, row)
        parts = spent.setdefault(key, dict.fromkeys(totals, 0.0))
        parts[row["candidate"]] += row["energy_j"]
    found = []
    for key in sorted(prices, key=lambda key: (-max(spent[key].values()), key)):
        paid = prices[key]
        static = paid["stage"] == "static"
        price = format_quantity(paid["unit_j"], "J") + ("/cycle" if static else "")
        shares = [spent[key][each] / total if total else 0.0 for each, total in totals.items()]
        found.append(
            [
                same(f"leakage.{key[1]}" if static else ".".join(key)),
                Cell(price, paid["unit_j"]),
                same(str(paid["status"])),
                same(str(paid["source"])),
                *(Cell(f"{100 * share:.2g} %", share) for share in shares),
            ]
        )
    return found


def source_rows(run: RunFacts) -> list[tuple[str, str]]:
    """(ID, text) of every source that a price names, as today's tables have it; by ID."""
    try:
        technology = Technology.load(run.summary["chip"]["technology"]).sources
    except PcsimError:
        technology = {}
    known = {**DramKind.load(dram_kinds()[0]).sources, **technology}
    named = {
        name for row in run.tables["energy"].records() for name in str(row["source"]).split("+")
    }
    return [(name, known[name]) for name in sorted(named & known.keys())]
