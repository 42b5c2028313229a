"""How much does each axis move a number, all others taken together? The bars of a tornado."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pcsim.report.tables import Cell, Table
from pcsim.sweeps.axes import AxisGroup
from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.report.front import rule_of, rules_of

METRICS = ("energy_j", "latency_s")
NOT_TAKEN = "-"


@dataclass(frozen=True)
class Effect:
    """What one group of axes does to one metric of one rule.

    ``levels`` are its values, each with the geometric mean over all rows that have it, relative to
    that over all rows, and how many these are. ``span`` is the largest mean over the smallest.
    """

    name: str
    rule: str
    metric: str
    levels: tuple[tuple[str, float, int], ...]

    @property
    def span(self) -> float:
        means = [mean for _, mean, _ in self.levels]
        return max(means) / min(means)


def group_name(group: AxisGroup) -> str:
    """The paths of a group as one text."""
    return " with ".join(group.paths)


def level_of(group: AxisGroup, row: Row) -> str:
    """The value that a group has in a row; "-" where it is not taken."""
    values = [str(row.get(path, NOT_TAKEN)) for path in group.paths]
    return ", ".join(values)


def levels_of(group: AxisGroup, rows: Sequence[Row]) -> list[str]:
    """The values that a group has anywhere in ``rows``, in the order of its axes; not taken is first."""
    own = [", ".join(values) for values in zip(*(axis.values for axis in group.axes), strict=True)]
    seen = {level_of(group, row) for row in rows}
    return [level for level in seen if level not in own] + [level for level in own if level in seen]


def effects_of(groups: Sequence[AxisGroup], rows: Sequence[Row]) -> list[Effect]:
    """Every effect on energy and latency, by metric, rule and group.

    Geometric means, as costs multiply: an axis that doubles a cost at every setting of the others
    has a span of exactly 2. Over a full grid each value meets the same values of the others; where
    points are missing, means are of those that are there.
    """
    effects = []
    for metric in METRICS:
        for rule in rules_of(rows):
            mine = [row for row in rows if rule_of(row) == rule and row[metric]]
            for group in groups:
                levels = tuple(_levels(group, mine, metric))
                if levels:
                    effects.append(Effect(group_name(group), rule, metric, levels))
    return effects


def _levels(group: AxisGroup, rows: Sequence[Row], metric: str) -> Iterator[tuple[str, float, int]]:
    if not rows:
        return
    overall = _mean_log(rows, metric)
    for level in levels_of(group, rows):
        mine = [row for row in rows if level_of(group, row) == level]
        yield level, math.exp(_mean_log(mine, metric) - overall), len(mine)


def _mean_log(rows: Sequence[Row], metric: str) -> float:
    return math.fsum(math.log(row[metric]) for row in rows) / len(rows)


def effect_table(effects: Sequence[Effect]) -> Table:
    """One row per value of every effect."""
    rows: list[tuple[Cell, ...]] = [
        (effect.metric, effect.rule, effect.name, level, mean, count)
        for effect in effects
        for level, mean, count in effect.levels
    ]
    return Table(("metric", "rule", "axis", "value", "relative_mean", "rows"), tuple(rows))
