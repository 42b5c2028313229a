"""How does the verdict follow: who wins, what would break even, what held an update up, what would help?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pcsim.report.explain.text import by_rule, columns, wrapped
from pcsim.report.stored import StoredRun
from pcsim.verdict.rows import challenger_name
from pcsim.verdict.sentences import CAUSES
from pcsim.verdict.words import component_name, factor, goal, rule_name

Facts = Mapping[str, Any]


def break_even(run: StoredRun) -> list[str]:
    """The advantage in samples that PC needs, and the one that was measured."""
    ratios = run.summary["ratios"]
    if not ratios:
        return ["break_even: none, because only one rule ran"]
    name = challenger_name(run.summary)
    needed = ratios["break_even"]["sample_advantage_needed"]
    measured = ratios["sample_advantage"]
    said = wrapped(
        f"break_even: how many times fewer samples than BP {name} must need to the target, so that both take the "
        f"same energy; it is the energy of one update of {name} over that of BP",
        indent="",
    )
    said.append(f"  needed: {'not known' if needed is None else factor(needed)}")
    if measured is None:
        said.append(
            "  measured: not known, because not every seed of both rules reached the target"
        )
    else:
        said.append(f"  measured: {_with_interval(measured)}, samples of BP over samples of {name}")
    return said


def races(run: StoredRun) -> list[str]:
    """Who reached the target with less, by energy and by time, and how that was decided."""
    ratios = run.summary["ratios"]
    if not ratios or "races" not in ratios:
        return ["races: none in this report"]
    reached = goal(run.results[0]["to_target"]["levels"])
    said = [
        f"races: {challenger_name(run.summary)} over BP until {reached} validation accuracy is reached"
    ]
    for race in ratios["races"]:
        winner = rule_name(race["winner"]) if race["winner"] else "none"
        said.append(f"  by {race['what']}: winner {winner}")
        for name, text in (("ratio", "ratio"), ("at_least", "at least"), ("at_most", "at most")):
            if race[name] is not None and (name == "ratio" or race["ratio"] is None):
                said.append(f"    {text} {_with_interval(race[name])}")
        if race["reason"]:
            said.append(f"    open because of: {race['reason']}")
    return said


def bound(run: StoredRun) -> list[str]:
    """What the time of an update went to, and what would shorten it."""
    said = wrapped(
        "bound: every cycle of an update charged to its cause along the critical path; the causes add up to "
        "the update",
        indent="",
    )
    for name, result in by_rule(run):
        path = result.get("critical_path_cycles")
        if not path:
            said += ["", f"{name}: no critical path in this report"]
            continue
        total = sum(path.values())
        rows = [
            (
                CAUSES.get(cause, component_name(cause)),
                f"{cycles:,}",
                f"{100 * cycles / total:.1f} %",
            )
            for cause, cycles in sorted(path.items(), key=lambda pair: -pair[1])
        ]
        said += ["", f"{name}: {total:,} cycles", *columns(rows, left=2)]
    return [*said, "", *levers(run)]


def levers(run: StoredRun) -> list[str]:
    """What each resource, doubled or unlimited, would change."""
    found = run.summary.get("levers", [])
    if not found:
        return ["levers: none in this report; pcsim run --levers simulates them"]
    rows = [("lever", "time", "energy", "area", "by hand")]
    for lever in found:
        if lever["reason"]:
            rows.append((lever["what"], lever["reason"], "", "", " ".join(lever["settings"])))
            continue
        area = "" if lever["area"] is None else _change(lever["area"])
        rows.append(
            (
                lever["what"],
                _by_rule(lever["latency"]),
                _by_rule(lever["energy"]),
                area,
                " ".join(f"--set '{setting}'" for setting in lever["settings"]),
            )
        )
    return [
        "levers: one update simulated again with one resource changed",
        *columns(rows, left=2),
    ]


def warned(run: StoredRun) -> list[str]:
    """What must not be missed."""
    found = run.summary.get("warnings", [])
    if not found:
        return ["warnings: none"]
    said = ["warnings:"]
    for each in found:
        said += wrapped(f"{each['kind']}: {each['text']} {each['mend']}".strip())
    return said


def assumed(run: StoredRun) -> list[str]:
    """The costs that nobody published, with their shares."""
    names = [name for name, _ in by_rule(run)]
    rows = [("cost", *(f"share {name}" for name in names), "range over value")]
    for cost in run.summary["assumed"]:
        shares = [cost["shares"].get(result["id"], 0.0) for _, result in by_rule(run)]
        value = cost["value"]
        spread = f"{cost['low'] / value:.3g} to {cost['high'] / value:.3g}" if value else ""
        rows.append((cost["name"], *(f"{100 * share:.1f} %" for share in shares), spread))
    return ["assumed costs: no published number was found", *columns(rows, left=2)]


def _with_interval(estimate: Facts) -> str:
    if estimate["low"] is None:
        return factor(estimate["value"])
    return f"{factor(estimate['value'])} ({factor(estimate['low'])} to {factor(estimate['high'])})"


def _by_rule(ratios: Mapping[str, float]) -> str:
    return ", ".join(f"{rule_name(rule)} {_change(ratio)}" for rule, ratio in ratios.items())


def _change(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"
