"""Where does a unit cost come from: its value, range, status, note and sources."""

from __future__ import annotations

from pcsim.report.explain.text import columns, wrapped
from pcsim.report.stored import StoredRun
from pcsim.technology import Area, Leak, Price
from pcsim.units import format_quantity

Costed = Price | Leak | Area


def price_of(run: StoredRun, key: str) -> list[str]:
    """What is known of the cost ``key`` (``sram.read_byte``, ``leakage.sram``, ``area.sram``)."""
    cost = _find(run, key)
    used = sorted({line.unit_j for line in run.lines if line.key == key})
    if cost is None:
        sources = sorted({f"{line.status}, {line.source}" for line in run.lines if line.key == key})
        known = ", ".join(format_quantity(joules, "J", digits=4) for joules in used)
        return [
            f"{key}: {known} ({'; '.join(sources)})",
            *wrapped(
                "source in full: not known, "
                + (run.why_no_hardware or "because the tables of today have no such cost")
            ),
        ]
    value, low, high, unit = _value(cost)
    shown, lowest, highest = (_shown(number, unit) for number in (value, low, high))
    reach = "certain" if low == high else f"between {lowest} and {highest}"
    lines = [f"{key}: {shown} {_per(cost)}, {reach}, {cost.status}"]
    if cost.note:
        lines += wrapped(f"trail: {cost.note}")
    lines += wrapped(f"source: {cost.source}")
    if isinstance(cost, Price) and used and used != [cost.joules]:
        then = ", ".join(format_quantity(joules, "J", digits=4) for joules in used)
        lines.append(f"  this run used {then}: the table has changed since")
    return lines


def area(run: StoredRun) -> list[str]:
    """The chip's area by block."""
    blocks = run.summary["chip"].get("area_by_block_mm2") or {}
    if not blocks:
        return ["area: not known, because something on this chip is unlimited"]
    total = run.summary["chip"]["area_mm2"]
    rows = [("block", "area", "share")]
    rows += [
        (name, _mm2(value), f"{100 * value / total:.1f} %")
        for name, value in sorted(blocks.items(), key=lambda block: -block[1])
    ]
    rows.append(("all", _mm2(total), "100 %"))
    return ["area of the chip = sum of count x area per block, DRAM apart", *columns(rows)]


def area_of(run: StoredRun, block: str) -> list[str]:
    """The area of one kind of block and where it comes from."""
    value = run.summary["chip"]["area_by_block_mm2"][block]
    lines = [f"area.{block}: {_mm2(value)} on the whole chip", ""]
    if run.prices is None or not run.prices.areas:
        return lines + wrapped(f"source: {run.summary['chip']['area_sources'][block]}")
    return [*lines, *price_of(run, f"area.{block}")]


def _find(run: StoredRun, key: str) -> Costed | None:
    if run.prices is None:
        return None
    every: tuple[Costed, ...] = (
        *run.prices.prices.values(),
        *run.prices.leaks,
        *(run.prices.areas or ()),
    )
    return next((cost for cost in every if cost.key == key), None)


def _value(cost: Costed) -> tuple[float, float, float, str]:
    if isinstance(cost, Price):
        return cost.joules, cost.low_j, cost.high_j, "J"
    if isinstance(cost, Leak):
        return cost.watts, cost.low_w, cost.high_w, "W"
    return cost.mm2, cost.low_mm2, cost.high_mm2, "mm2"


def _shown(value: float, unit: str) -> str:
    return _mm2(value) if unit == "mm2" else format_quantity(value, unit, digits=4)


def _per(cost: Costed) -> str:
    """What the value belongs to; powers and areas are of all blocks of the chip."""
    return f"per {cost.per}" if isinstance(cost, Price) else f"of {cost.count:,} x {cost.per}"


def _mm2(value: float) -> str:
    """Areas stay in one unit, to be compared at a glance."""
    return f"{value:.4g} mm2"
