"""Which costs did nobody publish, and how much of each candidate's energy rests on them?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pcsim.technology import Area, Bill, Leak, Price, PriceList, uncertain_keys


@dataclass(frozen=True)
class AssumedCost:
    """An uncertain cost that the run rests on: ``value`` in ``unit``, between ``low`` and ``high``.

    ``name`` is its key in a hardware file's ``costs``. ``status`` is ``assumed``, or ``user`` for a
    cost that the hardware file gives with a range. ``shares`` is the fraction of each candidate's
    energy per update, by candidate id; areas cost no energy.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    status: str
    source: str
    note: str
    shares: Mapping[str, float]


def assumed_costs(prices: PriceList, bills: Mapping[str, Bill]) -> tuple[AssumedCost, ...]:
    """The uncertain costs that at least one of ``bills`` (by candidate id) uses, largest share
    first; then the assumed areas."""
    spent = {candidate: _spent(bill) for candidate, bill in bills.items()}
    uncertain = set(uncertain_keys(prices))
    paid: tuple[Price | Leak, ...] = (*prices.prices.values(), *prices.leaks)
    costs = [
        _cost(cost, {candidate: lines.get(cost.key, 0.0) for candidate, lines in spent.items()})
        for cost in paid
        if cost.key in uncertain and any(cost.key in lines for lines in spent.values())
    ]
    costs += [
        _cost(area, dict.fromkeys(bills, 0.0))
        for area in prices.areas or ()
        if area.status == "assumed"
    ]
    return tuple(sorted(costs, key=lambda cost: (-max(cost.shares.values(), default=0), cost.name)))


def _cost(cost: Price | Leak | Area, shares: Mapping[str, float]) -> AssumedCost:
    if isinstance(cost, Price):
        value, low, high, unit = cost.joules, cost.low_j, cost.high_j, f"J per {cost.per}"
    elif isinstance(cost, Leak):
        value, low, high, unit = cost.watts, cost.low_w, cost.high_w, "W on the whole chip"
    else:
        value, low, high, unit = cost.mm2, cost.low_mm2, cost.high_mm2, "mm2 on the whole chip"
    return AssumedCost(
        cost.key, value, low, high, unit, cost.status, cost.source, cost.note, shares
    )


def _spent(bill: Bill) -> dict[str, float]:
    """Fraction of the bill's energy by key of the price, for what was used at all."""
    total = bill.energy_j or 1.0
    spent: dict[str, float] = {}
    for line in bill.lines:
        if line.count:
            spent[line.key] = spent.get(line.key, 0.0) + line.energy_j / total
    return spent
