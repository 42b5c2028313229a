"""Where do energy and time of one update go? One stacked bar per candidate: PC solid, BP
hatched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pcsim.report import style
from pcsim.report.svg import drawn
from pcsim.units import format_quantity, scale_of
from pcsim.verdict import RULE_NAMES, Result, component_name, wait_name

LEGEND_CHARACTERS = 100
"""How wide a row of the legend can be; a handle and the gap to the next take about eight."""


@dataclass(frozen=True)
class Stack:
    """What a bar consists of, by key, and what is written at its end."""

    rule: str
    parts: Mapping[str, float]
    end: str


def energy_by_component(results: Sequence[Result]) -> str:
    """Energy of one update by component, as SVG text."""
    unit = scale_of(max(result.per_update.energy_j for result in results), "J")
    stacks = [
        Stack(
            result.candidate.rule,
            {
                component: joules / unit.size
                for component, joules in result.per_update.energy_by_component_j.items()
            },
            f"{result.per_update.energy_j / unit.size:.3g} {unit.name}",
        )
        for result in results
    ]
    keys = style.in_order(_used(stacks))
    return _bars(
        "energy",
        stacks,
        axis=f"energy per update ({unit.name})",
        labels={key: component_name(key) for key in keys},
        colours=style.COMPONENT_COLOURS,
    )


def time_of_arrays(results: Sequence[Result]) -> str:
    """What the average array that has work does in the cycles of one update, as SVG text."""
    stacks = []
    for result in results:
        bound, cycles = result.bound, result.per_update.cycles
        shares = {
            style.BUSY: bound.array_busy,
            **bound.array_waits,
            style.FINISHED: bound.array_finished,
        }
        stacks.append(
            Stack(
                result.candidate.rule,
                {key: share * cycles for key, share in shares.items()},
                format_quantity(result.per_update.latency_s, "s"),
            )
        )
    used = _used(stacks)
    keys = [key for key in style.TIME_COLOURS if key in used]
    keys += sorted(used - style.TIME_COLOURS.keys())
    return _bars(
        "time",
        stacks,
        axis="time of the arrays in use during one update (cycles)",
        labels={key: style.TIME_LABELS.get(key, f"waiting for {wait_name(key)}") for key in keys},
        colours=style.TIME_COLOURS,
    )


def _used(stacks: Sequence[Stack]) -> set[str]:
    return {key for stack in stacks for key, value in stack.parts.items() if value > 0}


def _bars(
    name: str,
    stacks: Sequence[Stack],
    *,
    axis: str,
    labels: Mapping[str, str],
    colours: Mapping[str, str],
) -> str:
    """The bars side by side, their parts in the order of ``labels``."""
    from matplotlib.patches import Patch

    with drawn(name, height_in=1.5 + 0.45 * len(stacks)) as drawing:
        axes = drawing.figure.add_subplot()
        for row, stack in enumerate(stacks):
            left = 0.0
            for key in labels:
                width = stack.parts.get(key, 0.0)
                axes.barh(
                    row,
                    width,
                    left=left,
                    height=0.66,
                    color=colours.get(key, style.MUTED),
                    edgecolor=style.PAPER,
                    linewidth=0.6,
                    hatch=style.RULE_HATCHES[stack.rule],
                )
                left += width
            axes.annotate(
                stack.end, (left, row), xytext=(5, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(range(len(stacks)), [RULE_NAMES[stack.rule] for stack in stacks])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.14)
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
    return drawing.svg
