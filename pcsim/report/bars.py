"""Where do energy and time of one update go? One stacked bar per candidate: PC solid, BP
hatched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcsim.report import style
from pcsim.report.facts import Entry
from pcsim.report.figure import Figure
from pcsim.report.svg import Drawing, drawn
from pcsim.report.tables import Cell, Table
from pcsim.units import scale_of
from pcsim.verdict import component_name, wait_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEGEND_CHARACTERS = 100
"""How wide a row of the legend can be; a handle and the gap to the next take about eight."""


@dataclass(frozen=True)
class Stack:
    """One bar: what it consists of, by key, what is written before it and at its end."""

    label: str
    rule: str
    parts: Mapping[str, float]
    end: str


def energy_by_component(entries: Sequence[Entry]) -> Figure:
    """Energy of one update by component."""
    spent = {
        index: entry.result["per_update"]["energy_by_component_j"]
        for index, entry in enumerate(entries)
    }
    unit = scale_of(max(entry.result["per_update"]["energy_j"] for entry in entries), "J")
    stacks = [
        Stack(
            entry.label,
            entry.rule,
            {component: joules / unit.size for component, joules in spent[index].items()},
            f"{entry.result['per_update']['energy_j'] / unit.size:.3g} {unit.name}",
        )
        for index, entry in enumerate(entries)
    ]
    keys = style.in_order(_used(stacks))
    rows: list[tuple[Cell, ...]] = [
        (entry.label, component, spent[index].get(component, 0.0))
        for index, entry in enumerate(entries)
        for component in keys
    ]
    return Figure(
        "energy",
        "Energy per update",
        "Where the energy of one weight update goes: BP hatched, the other rule solid. Grey is paid by time alone.",
        _bars(
            "energy",
            {"": stacks},
            axis=f"energy per update ({unit.name})",
            labels={key: component_name(key) for key in keys},
            colours=style.COMPONENT_COLOURS,
        ),
        Table(("candidate", "component", "energy_j"), tuple(rows)),
    )


def energy_by_phase(entries: Sequence[Entry]) -> Figure:
    """Energy of one update by phase of the update, and in each by component."""
    spent: dict[tuple[str, int], dict[str, float]] = {}
    for index, entry in enumerate(entries):
        for row in entry.rows["energy"]:
            parts = spent.setdefault((row["stage"], index), {})
            parts[row["component"]] = parts.get(row["component"], 0.0) + row["energy_j"]
    phases = _in_order({stage for stage, _ in spent}, style.STAGE_NAMES)
    unit = scale_of(max(sum(parts.values()) for parts in spent.values()), "J")
    groups = {
        style.STAGE_NAMES.get(phase, phase): [
            Stack(
                entry.label,
                entry.rule,
                {key: joules / unit.size for key, joules in spent[phase, index].items()},
                f"{sum(spent[phase, index].values()) / unit.size:.3g} {unit.name}",
            )
            for index, entry in enumerate(entries)
            if (phase, index) in spent
        ]
        for phase in phases
    }
    keys = style.in_order(_used(stack for stacks in groups.values() for stack in stacks))
    rows: list[tuple[Cell, ...]] = [
        (entry.label, phase, component, spent[phase, index][component])
        for phase in phases
        for index, entry in enumerate(entries)
        for component in keys
        if component in spent.get((phase, index), {})
    ]
    return Figure(
        "phases",
        "Energy by phase",
        "The same energy by what it is spent for. Inference is what predictive coding does in its steps; "
        "backward is what backpropagation does instead. Leakage and standby are paid by time alone.",
        _bars(
            "phases",
            groups,
            axis=f"energy per update ({unit.name})",
            labels={key: component_name(key) for key in keys},
            colours=style.COMPONENT_COLOURS,
        ),
        Table(("candidate", "phase", "component", "energy_j"), tuple(rows)),
    )


def time_of_arrays(entries: Sequence[Entry]) -> Figure:
    """What the average array that has work does in the time of one update."""
    unit = scale_of(max(entry.result["per_update"]["latency_s"] for entry in entries), "s")
    stacks = []
    for entry in entries:
        bound, cost = entry.result["bound_by"], entry.result["per_update"]
        shares = {
            style.BUSY: bound["array_busy"],
            **bound["array_waits"],
            style.FINISHED: bound["array_finished"],
        }
        stacks.append(
            Stack(
                entry.label,
                entry.rule,
                {key: share * cost["latency_s"] / unit.size for key, share in shares.items()},
                f"{cost['latency_s'] / unit.size:.3g} {unit.name}",
            )
        )
    keys = _in_order(_used(stacks), style.TIME_COLOURS)
    labels = {key: style.TIME_LABELS.get(key, f"waiting for {wait_name(key)}") for key in keys}
    rows: list[tuple[Cell, ...]] = [
        (stack.label, labels[key], stack.parts.get(key, 0.0) * unit.size)
        for stack in stacks
        for key in keys
    ]
    return Figure(
        "time",
        "Time per update",
        "What the average array that has work does during one update: BP hatched, the other rule solid.",
        _bars(
            "time",
            {"": stacks},
            axis=f"time of the arrays in use during one update ({unit.name})",
            labels=labels,
            colours=style.TIME_COLOURS,
        ),
        Table(("candidate", "doing", "time_s"), tuple(rows)),
    )


def _used(stacks: Iterable[Stack]) -> set[str]:
    return {key for stack in stacks for key, value in stack.parts.items() if value > 0}


def _in_order(keys: set[str], order: Mapping[str, str]) -> list[str]:
    """``keys`` in the order of ``order``; unknown ones last, by name."""
    return [key for key in order if key in keys] + sorted(keys - order.keys())


def _bars(
    name: str,
    groups: Mapping[str, Sequence[Stack]],
    *,
    axis: str,
    labels: Mapping[str, str],
    colours: Mapping[str, str],
) -> Drawing:
    """The groups below one another, their bars' parts in the order of ``labels``."""
    from matplotlib.patches import Patch

    named = len(groups) > 1
    bars = sum(len(stacks) for stacks in groups.values())
    height_in = 1.5 + (0.3 * bars + 0.17 * len(groups) if named else 0.45 * bars)
    with drawn(name, height_in=height_in) as drawing:
        axes = drawing.figure.add_subplot()
        row, ticks = 0.0, {}
        for group, stacks in groups.items():
            for stack in stacks:
                left = _bar(axes, row, stack, labels, colours)
                end = f"{stack.label}  {stack.end}" if named else stack.end
                axes.annotate(
                    end, (left, row), xytext=(5, 0), textcoords="offset points", va="center"
                )
                if not named:
                    ticks[row] = stack.label
                row += 1
            if named:
                ticks[row - (len(stacks) + 1) / 2] = group
                row += 0.6
        axes.set_yticks(list(ticks), list(ticks.values()))
        axes.set_ylim(row - (1.1 if named else 0.5), -0.5)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.2 if named else 0.14)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axes.set_xlabel(axis)
        handles = [
            Patch(facecolor=colours.get(key, style.MUTED), label=label)
            for key, label in labels.items()
        ]
        columns = max(1, LEGEND_CHARACTERS // (max(map(len, labels.values())) + 8))
        drawing.figure.legend(
            handles=handles, loc="outside lower center", ncols=columns, handlelength=1.2
        )
    return drawing


def _bar(
    axes: Axes, row: float, stack: Stack, keys: Iterable[str], colours: Mapping[str, str]
) -> float:
    """Draw one bar; returns where it ends."""
    left = 0.0
    for key in keys:
        width = stack.parts.get(key, 0.0)
        if width:
            axes.barh(
                row,
                width,
                left=left,
                height=0.66,
                color=colours.get(key, style.MUTED),
                edgecolor=style.PAPER,
                linewidth=0.6,
                hatch=style.RULE_HATCHES[style.side(stack.rule)],
            )
        left += width
    return left
