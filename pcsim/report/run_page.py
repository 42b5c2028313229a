"""The verdict as one page: headlines, figures, tables, and what the numbers rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pcsim.report import style
from pcsim.report.facts import RunFacts
from pcsim.report.figure import Figure
from pcsim.report.figures import drawn_ids
from pcsim.report.html import Cell, render, same
from pcsim.report.lever_table import lever_columns, lever_rows
from pcsim.report.sources import price_rows, source_rows
from pcsim.report.tables import Table
from pcsim.report.tried import TRIED_COLUMNS, tried_rows
from pcsim.units import format_quantity
from pcsim.verdict import component_name, factor, goal, network_of
from pcsim.verdict.rows import NOTHING, challenger_name, comparison_rows, levels_of, names


class Card(NamedTuple):
    """A headline: one number, what it is, and what it rests on."""

    title: str
    value: str
    note: str


def run_page(run: RunFacts, figures: Sequence[Figure]) -> str:
    """The page as HTML text."""
    summary = run.summary
    values = {
        "summary": summary,
        "facts": _facts(summary),
        "cards": _cards(summary),
        "names": names(summary),
        "rows": comparison_rows(summary),
        "drawn": len(drawn_ids(summary)),
        "has_ratio": bool(summary["ratios"]),
        "components": _components(summary),
        "layer_columns": _LAYER_COLUMNS,
        "layers": _layers(summary, run.tables["layers"]),
        "lever_columns": lever_columns(summary),
        "levers": lever_rows(summary),
        "tried_columns": TRIED_COLUMNS,
        "tried": tried_rows(summary),
        "assumed": _assumed(summary),
        "price_columns": ("cost", "price", "status", "source", *_shares(summary)),
        "prices": price_rows(run),
        "sources": source_rows(run),
        "config_text": run.config_text,
    }
    return render("run.html.j2", figures, values)


def _shares(summary: Mapping[str, Any]) -> list[str]:
    return [f"share {name}" for name in names(summary)]


def _facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was compared, on what."""
    chip = summary["chip"]
    area = "not known" if chip["area_mm2"] is None else f"{chip['area_mm2']:.3g} mm²"
    mesh = " x ".join(str(side) for side in chip["mesh"])
    return [
        ("network", network_of(summary)),
        ("batch", str(summary["batch"])),
        ("seeds", ", ".join(str(seed) for seed in summary["seeds"])),
        ("chip", f"{chip['tiles']} tiles ({mesh}) at {format_quantity(chip['clock_hz'], 'Hz')}"),
        ("area", area),
        ("technology", chip["technology"]),
    ]


def _accuracy(mean: float | None) -> str:
    return "diverged" if mean is None else f"{100 * mean:.1f}"


def _cards(summary: Mapping[str, Any]) -> list[Card]:
    ratios = summary["ratios"]
    target = goal(levels_of(summary["results"][0])).replace(" to ", "-")
    accuracy = Card(
        "Test accuracy (%)",
        " / ".join(_accuracy(result["accuracy"]["mean"]) for result in summary["results"]),
        " / ".join(names(summary)),
    )
    if not ratios:
        return [accuracy]
    rule = challenger_name(summary)
    needed = ratios["break_even"]["sample_advantage_needed"]
    measured = ratios["break_even"]["sample_advantage_measured"]
    return [
        _race_card(f"Energy to {target}", ratios["energy_to_target"], rule),
        _race_card(f"Time to {target}", ratios["time_to_target"], rule),
        Card(
            "Energy per update",
            NOTHING if ratios["energy_j"] is None else f"{factor(ratios['energy_j'])} x",
            f"{rule} over BP" + _range(ratios["energy_j_range"]),
        ),
        Card(
            "Sample advantage",
            NOTHING if measured is None else f"{factor(measured)} x",
            f"{rule} needs more than " + (NOTHING if needed is None else f"{factor(needed)} x"),
        ),
        accuracy,
    ]


def _race_card(title: str, estimate: Mapping[str, Any] | None, rule: str) -> Card:
    if estimate is None:
        return Card(title, "not reached", "by both rules on every seed")
    interval = ""
    if estimate["low"] is not None:
        interval = f", 95 %: {factor(estimate['low'])}..{factor(estimate['high'])}"
    return Card(title, f"{factor(estimate['value'])} x", f"{rule} over BP{interval}")


def _range(span: Sequence[float] | None) -> str:
    return "" if span is None else f", {factor(span[0])}..{factor(span[1])} over assumed costs"


def _components(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Energy per update by component: joules and share of each candidate, and PC over BP."""
    costs = [result["per_update"] for result in summary["results"]]
    ids = [result["id"] for result in summary["results"]]
    ratios = summary["ratios"]
    rows = []
    for name in style.in_order({name for cost in costs for name in cost["energy_by_component_j"]}):
        joules = [cost["energy_by_component_j"].get(name, 0.0) for cost in costs]
        if not any(joules):
            continue
        by_id = dict(zip(ids, joules, strict=True))
        over = by_id[ratios["bp"]] if ratios else 0.0
        rows.append(
            {
                "label": component_name(name),
                "colour": style.COMPONENT_COLOURS.get(name, style.MUTED),
                "cells": [
                    f"{format_quantity(value, 'J')} ({100 * value / cost['energy_j']:.1f} %)"
                    for value, cost in zip(joules, costs, strict=True)
                ],
                "ratio": factor(by_id[ratios["pc"]] / over) if over else "",
            }
        )
    return rows


_LAYER_COLUMNS = (
    "candidate",
    "layer",
    "weights",
    "tiles",
    "credited",
    "MACs",
    "SRAM bytes",
    "byte hops",
    "DRAM bytes",
    "energy",
)


def _layers(summary: Mapping[str, Any], layers: Table) -> list[list[Cell]]:
    """The rows of layers.csv for reading, without those that belong to no layer."""
    ids = [result["id"] for result in summary["results"]]
    called = dict(zip(ids, names(summary), strict=True))
    rows = []
    for of in layers.records():
        if of["layer"] is None:
            continue
        counts = [of[key] for key in ("macs", "sram_bytes", "noc_byte_hops", "dram_bytes")]
        rows.append(
            [
                same(called[of["candidate"]]),
                Cell(of.get("name") or str(of["layer"]), of["layer"]),
                Cell(_weights(of), of["parameters"]),
                Cell(str(of["tiles"]), of["tiles"]),
                Cell("yes" if of["credited"] else "no", of["credited"]),
                *(Cell(f"{count:,}", count) for count in counts),
                Cell(format_quantity(of["energy_j"], "J"), of["energy_j"]),
            ]
        )
    return rows


def _weights(of: Mapping[str, Any]) -> str:
    """Inputs x outputs of a dense layer; of a part that uses weights otherwise, or has none, their number."""
    dense = of["n_in"] * of["n_out"] == of["parameters"]
    return f"{of['n_in']} x {of['n_out']}" if dense else f"{of['parameters']:,}"


def _assumed(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": cost["name"],
            "value": _in_unit(cost["value"], cost["unit"]),
            "range": " .. ".join(_in_unit(cost[end], cost["unit"]) for end in ("low", "high")),
            "per": cost["unit"].partition(" ")[2],
            "shares": [
                f"{100 * cost['shares'].get(result['id'], 0.0):.1f} %"
                for result in summary["results"]
            ],
            "source": cost["source"],
            "note": cost["note"],
        }
        for cost in summary["assumed"]
    ]


def _in_unit(value: float, unit: str) -> str:
    base = unit.partition(" ")[0]
    return f"{value:.3g} mm²" if base == "mm2" else format_quantity(value, base)
