"""Which configurations are worth having? Those that no other one beats in everything that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pcsim.config.rules import OWN_RULES
from pcsim.sweeps.evaluate import Row


@dataclass(frozen=True)
class Objective:
    """A column of the table that counts; ``better`` is -1 where less is better, else 1."""

    column: str
    title: str
    unit: str
    better: int = -1


OBJECTIVES = (
    Objective("energy_j", "energy per update", "J"),
    Objective("latency_s", "latency per update", "s"),
    Objective("area_mm2", "area", "mm²"),
    Objective("accuracy", "test accuracy", "", better=1),
)


def rule_of(row: Row) -> str:
    """ "bp", "pc", or the rule of an extension, whose only candidate has its name."""
    candidate = str(row["candidate"])
    if candidate.startswith("bp"):
        return "bp"
    own = candidate.replace("-", "_")
    return own if own in OWN_RULES else "pc"


def rules_of(rows: Sequence[Row]) -> list[str]:
    """The rules in the table, backpropagation last."""
    return sorted({rule_of(row) for row in rows}, key=lambda rule: (rule == "bp", rule))


def objectives_of(rows: Sequence[Row]) -> tuple[Objective, ...]:
    """The objectives that are known everywhere where anything is: no training leaves no accuracy, and
    a chip without limits has no area."""
    right = [row for row in rows if not row["error"]]
    return tuple(
        objective
        for objective in OBJECTIVES
        if right and all(row[objective.column] is not None for row in right)
    )


def front_of(rows: Sequence[Row], objectives: Sequence[Objective] | None = None) -> list[Row]:
    """The rows of each rule that no row of the same rule beats, in the order of the table.

    A row beats another where it is at least as good in every objective and better in one; rows
    without numbers take no part. Of equal ones the first is kept: an axis of one rule only changes
    nothing of the other.
    """
    chosen = objectives_of(rows) if objectives is None else tuple(objectives)
    kept: set[int] = set()
    for rule in rules_of(rows):
        costs = {
            number: tuple(-objective.better * row[objective.column] for objective in chosen)
            for number, row in enumerate(rows)
            if rule_of(row) == rule and not row["error"]
        }
        # In ascending order a row can only be beaten by one before it.
        front: list[tuple[float, ...]] = []
        for number in sorted(costs, key=costs.__getitem__):
            mine = costs[number]
            if not any(_no_worse(other, mine) for other in front):
                kept.add(number)
                front.append(mine)
    return [row for number, row in enumerate(rows) if number in kept]


def _no_worse(costs: tuple[float, ...], than: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(costs, than, strict=True))
