"""How do the candidates compare, line by line? The same table for the screen and for the page.

Made from the summary alone, so that a stored run can be shown again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pcsim.units import format_quantity
from pcsim.verdict.words import accuracy_text, candidate_names, challenger_among, factor, rule_name

NOTHING = "-"


class Row(NamedTuple):
    """One line: what it is about, one cell per candidate, and PC over BP."""

    label: str
    cells: tuple[str, ...]
    ratio: str


def comparison_rows(summary: Mapping[str, Any]) -> list[Row]:
    """The candidates side by side. The ratio is empty where only one rule ran."""
    results: Sequence[Mapping[str, Any]] = summary["results"]
    ratios: Mapping[str, Any] = summary["ratios"]

    learners = "nodes" if summary.get("shapes") else "layers"

    def row(label: str, cell: Callable[[Mapping[str, Any]], str], ratio: str = "") -> Row:
        return Row(label, tuple(cell(result) for result in results), ratio)

    def quantity(label: str, key: str, unit: str, ratio: str | None = None) -> Row:
        return row(
            f"{label} per update",
            lambda result: _quantity(result["per_update"][key], unit),
            _plain(ratios.get(ratio or key)),
        )

    def to_target(label: str, key: str, unit: str, ratio: str) -> Row:
        return row(
            f"{label} to target",
            lambda result: _reached(result["to_target"], key, unit),
            _estimate(ratios.get(ratio)) if ratios else "",
        )

    return [
        row("test accuracy", _accuracy, _accuracy_gap(summary)),
        row(
            "credit depth",
            lambda result: f"{result['credit_depth']} of {result['depth']} {learners}",
        ),
        row("inference steps", lambda result: str(result["inference_steps"])),
        row(
            "MACs per update",
            lambda result: f"{result['per_update']['macs']:,}",
            _plain(ratios.get("macs")),
        ),
        quantity("latency", "latency_s", "s"),
        quantity("energy", "energy_j", "J"),
        quantity("energy-delay product", "edp_js", "J·s"),
        row(
            "utilization",
            lambda result: f"{100 * result['per_update']['utilization']:.3g} %",
            _plain(ratios.get("utilization")),
        ),
        row(
            "energy per MAC",
            lambda result: _quantity(result["per_update"]["energy_per_mac_j"], "J/MAC"),
        ),
        row(
            "updates to target",
            lambda result: _reached(result["to_target"], "updates", ""),
            _estimate(_inverse(ratios.get("sample_advantage"))) if ratios else "",
        ),
        to_target("energy", "energy_j", "J", "energy_to_target"),
        to_target("time", "time_s", "s", "time_to_target"),
    ]


def names(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """The candidates' column heads: their rule, or their id where several follow one rule."""
    return candidate_names([(result["rule"], result["id"]) for result in summary["results"]])


def challenger_name(summary: Mapping[str, Any]) -> str:
    """What the rule that competes with BP is called, of a run of both."""
    return rule_name(challenger_among(result["rule"] for result in summary["results"]))


def _quantity(value: float | None, unit: str) -> str:
    return NOTHING if value is None else format_quantity(value, unit)


def _plain(value: float | None) -> str:
    return "" if value is None else factor(value)


def _accuracy(result: Mapping[str, Any]) -> str:
    return accuracy_text(result["accuracy"]["mean"])


def _accuracy_gap(summary: Mapping[str, Any]) -> str:
    """Percentage points that PC is ahead of BP."""
    if not summary["ratios"]:
        return ""
    mean = {result["id"]: result["accuracy"]["mean"] for result in summary["results"]}
    pc, bp = mean[summary["ratios"]["pc"]], mean[summary["ratios"]["bp"]]
    if pc is None or bp is None:
        return NOTHING
    return f"{100 * (pc - bp):+.2f} points"


def _reached(to_target: Mapping[str, Any], key: str, unit: str) -> str:
    """The mean over seeds, or how many seeds reached the target where not all did."""
    value = to_target[key]
    if value is None:
        return f"not reached ({to_target['seeds_reached']} of {len(to_target['per_seed'])} seeds)"
    return format_quantity(value, unit) if unit else f"{value:,.0f}"


def _estimate(estimate: Mapping[str, Any] | None) -> str:
    """A ratio with its interval."""
    if estimate is None:
        return NOTHING
    text = factor(estimate["value"])
    if estimate["low"] is None:
        return text
    return f"{text} ({factor(estimate['low'])}..{factor(estimate['high'])})"


def _inverse(estimate: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The estimate of one over the ratio."""
    if estimate is None:
        return None
    low, high = estimate["low"], estimate["high"]
    return {
        "value": 1 / estimate["value"],
        "low": None if high is None else 1 / high,
        "high": None if low is None else 1 / low,
    }


def levels_of(result: Mapping[str, Any]) -> list[float]:
    """The accuracies that count as the target of a result; reports of earlier versions know one."""
    reached = result["to_target"]
    return reached.get("levels") or [reached["target"]]
