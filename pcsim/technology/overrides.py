"""Costs that a hardware file gives itself, and how to ask for those it has to give.

An override is per counted unit of this chip (a byte, one PE, one bank): nothing is scaled any more.
"""

from __future__ import annotations

from collections.abc import Mapping

from pcsim.config import CostOverride
from pcsim.technology.actions import SI, quantity_of
from pcsim.technology.costs import UnitCost

EXAMPLES = {"energy": "4.6 pJ", "power": "0.2 mW", "area": "12500 um2"}


def given_quantity(cost: CostOverride) -> str:
    """Which quantity the file gives: ``energy``, ``power`` or ``area``."""
    values = {"energy": cost.energy_j, "power": cost.power_w, "area": cost.area_m2}
    return next(quantity for quantity, value in values.items() if value is not None)


def given_cost(key: str, given: CostOverride, *, per: str) -> UnitCost:
    """The cost that the hardware file gives for one ``per`` of ``key``, with status ``user``."""
    quantity = quantity_of(key)
    value = {"energy": given.energy_j, "power": given.power_w, "area": given.area_m2}[quantity]
    assert value is not None, "checked by problems_of"
    return UnitCost(
        value=value,
        low=value if given.low is None else given.low,
        high=value if given.high is None else given.high,
        unit=SI[quantity],
        per=per,
        status="user",
        sources=(given.source,),
        note="given in the hardware file",
    )


def missing_costs(technology: str, lacking: Mapping[str, str], *, why: str = "") -> tuple[str, str]:
    """What is said of costs that are nowhere, each with its unit; and the hint, what to write where."""
    lines = "\n".join(
        f"  {key}: {{{quantity_of(key)}: {EXAMPLES[quantity_of(key)]}, source: where it stands}}"
        f"  # per {unit}"
        for key, unit in lacking.items()
    )
    said = f"technology {technology} has no cost{why} of {', '.join(lacking)}"
    return said, f"give each with its source in the hardware file, like this:\ncosts:\n{lines}"
