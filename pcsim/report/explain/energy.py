"""What is the energy of one update made of: by component, by action, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pcsim.report.explain.prices import price_of
from pcsim.report.explain.text import by_rule, columns
from pcsim.report.stored import StoredBillLine, StoredRun
from pcsim.units import format_quantity
from pcsim.verdict import component_name

RULE = "energy = count x unit cost, summed over lines of energy.csv"


def energy(run: StoredRun) -> list[str]:
    """All energy by component."""
    groups = [f"energy.{name}" for name in _in_order(line.component for line in run.lines)]
    return [
        f"energy of one update: {RULE}",
        *_table(run, groups, lambda line: f"energy.{line.component}"),
    ]


def static(run: StoredRun) -> list[str]:
    """What passes with time alone."""
    lines = [line for line in run.lines if line.stage == "static"]
    return [
        "static energy of one update = power x clock period x cycles, whether the chip works or not",
        *_table(run, _in_order(line.key for line in lines), lambda line: line.key, lines=lines),
    ]


def component(run: StoredRun, name: str) -> list[str]:
    """The energy of one component by action."""
    lines = [line for line in run.lines if line.component == name]
    groups = [f"energy.{name}.{action}" for action in _in_order(line.action for line in lines)]
    return [
        f"energy of one update in {component_name(name)}: {RULE}",
        *_table(run, groups, lambda line: f"energy.{name}.{line.action}", lines=lines),
    ]


def action(run: StoredRun, key: str, *, component: str) -> list[str]:
    """Every line of one action, and where its price comes from."""
    name = key.partition(".")[2]
    lines = [line for line in run.lines if line.key == key and line.component == component]
    said = [f"energy of one update in {component}.{name}: count x unit cost = energy"]
    for rule, result in by_rule(run):
        mine = [line for line in lines if line.candidate == result["id"]]
        rows = [("", "layer", "stage", "count", "unit cost", "energy")]
        rows += [
            (
                "",
                "all" if line.layer is None else str(line.layer),
                line.stage,
                f"{line.count:,}",
                format_quantity(line.unit_j, "J", digits=4),
                format_quantity(line.energy_j, "J", digits=4),
            )
            for line in mine
        ]
        spent = sum((line.energy_j for line in mine), 0.0)
        share = 100 * spent / result["per_update"]["energy_j"]
        total = format_quantity(spent, "J", digits=4)
        said += ["", f"{rule}: {total}, {share:.3g} % of its energy", *columns(rows, left=3)]
    return [*said, "", *price_of(run, key)]


def price(run: StoredRun, key: str) -> list[str]:
    """A cost, and what it comes to in this run."""
    lines = [line for line in run.lines if line.key == key]
    if not lines:
        return [*price_of(run, key), "  this run does not use it"]
    table = _table(run, [key], lambda line: line.key, lines=lines)
    return [*price_of(run, key), "", "in one update:", *table]


def _table(
    run: StoredRun,
    groups: Iterable[str],
    group_of: Callable[[StoredBillLine], str],
    *,
    lines: Iterable[StoredBillLine] | None = None,
) -> list[str]:
    """Energy and share of all energy per group and candidate, and their sum."""
    lines = run.lines if lines is None else tuple(lines)
    groups = tuple(groups)
    names = [(name, cell) for name, _ in by_rule(run) for cell in (name, "share")]
    rows = [["", *(cell for _, cell in names)]]
    sums = {
        (group, result["id"]): sum(
            (
                line.energy_j
                for line in lines
                if group_of(line) == group and line.candidate == result["id"]
            ),
            0.0,
        )
        for group in groups
        for result in run.results
    }
    for group in (*groups, "sum"):
        row = [group]
        for result in run.results:
            spent = (
                sum((sums[other, result["id"]] for other in groups), 0.0)
                if group == "sum"
                else sums[group, result["id"]]
            )
            share = 100 * spent / result["per_update"]["energy_j"]
            row += [format_quantity(spent, "J", digits=4), f"{share:.1f} %"]
        rows.append(row)
    return columns(rows if len(groups) > 1 else rows[:-1])


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
