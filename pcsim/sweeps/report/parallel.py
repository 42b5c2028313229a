"""Which values lead where? Every configuration as a line through its axes to its costs."""

from __future__ import annotations

from collections.abc import Sequence

from pcsim.report import drawn, style
from pcsim.sweeps.axes import AxisGroup
from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.report.effects import group_name, level_of, levels_of
from pcsim.sweeps.report.front import Objective, rule_of, rules_of
from pcsim.sweeps.report.scales import height, scale_for, short_text
from pcsim.verdict import rule_name

MOST_BEATEN = 300
"""Lines of beaten configurations that are drawn, evenly chosen."""

MOST_LEVELS = 12
MOST_GROUPS = 8


def parallel_figure(
    groups: Sequence[AxisGroup],
    rows: Sequence[Row],
    front: Sequence[Row],
    objectives: Sequence[Objective],
) -> str:
    """Parallel coordinates as SVG text: groups of axes with their values in order, then objectives
    from their lowest at the bottom to their highest. The front is thick."""
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    groups = groups[:MOST_GROUPS]
    right = [row for row in rows if not row["error"]]
    on_front = {id(row) for row in front}
    beaten = [row for row in right if id(row) not in on_front]
    beaten = beaten[:: -(-len(beaten) // MOST_BEATEN)] if beaten else []
    levels = [levels_of(group, right) for group in groups]
    costs = {o.column: [row[o.column] for row in right] for o in objectives}

    def line(row: Row) -> list[tuple[float, float]]:
        heights = [
            _place(known.index(level_of(group, row)), len(known))
            for group, known in zip(groups, levels, strict=True)
        ]
        heights += [height(row[o.column], costs[o.column]) for o in objectives]
        return list(enumerate(heights))

    count = len(groups) + len(objectives)
    with drawn("parallel", width_in=9.6, height_in=4.2) as drawing:
        panel = drawing.figure.add_subplot()
        for rule in rules_of(right):
            for thick, chosen in ((False, beaten), (True, front)):
                panel.add_collection(
                    LineCollection(
                        [line(row) for row in chosen if rule_of(row) == rule],
                        colors=style.RULE_COLOURS[style.side(rule)],
                        linestyles=[style.RULE_LINES[style.side(rule)]],
                        linewidths=1.6 if thick else 0.5,
                        alpha=0.9 if thick else 0.25,
                        zorder=3 if thick else 2,
                    )
                )
        for place in range(count):
            panel.axvline(place, color=style.MUTED, linewidth=0.8, zorder=1)
        for place, known in enumerate(levels):
            step = -(-len(known) // MOST_LEVELS)
            for index in range(0, len(known), step):
                _label(panel, place, _place(index, len(known)), short_text(known[index]))
        for place, objective in enumerate(objectives, start=len(groups)):
            scale, values = scale_for(objective, right), costs[objective.column]
            for value in sorted({min(values), max(values)}):
                text = f"{value / scale.size:.3g} {scale.name}".strip()
                _label(panel, place, height(value, values), text)
        names = [group_name(group) for group in groups] + [o.title for o in objectives]
        panel.set_xticks(range(count), [_wrapped(name) for name in names], fontsize=8)
        panel.set_yticks([])
        panel.set_xlim(-0.2, count - 0.55)
        panel.set_ylim(-0.06, 1.06)
        panel.grid(visible=False)
        for side in ("left", "bottom"):
            panel.spines[side].set_visible(False)
        panel.tick_params(axis="x", length=0)
        handles = [
            Line2D(
                [],
                [],
                color=style.RULE_COLOURS[style.side(rule)],
                linestyle=style.RULE_LINES[style.side(rule)],  # type: ignore[arg-type]
                linewidth=1.6,
                label=f"{rule_name(rule)}, on its front",
            )
            for rule in rules_of(right)
        ]
        drawing.figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return drawing.svg


def _place(index: int, count: int) -> float:
    return index / (count - 1) if count > 1 else 0.5


def _label(panel: object, place: float, height: float, text: str) -> None:
    panel.annotate(  # type: ignore[attr-defined]
        text,
        (place, height),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=7.5,
        zorder=4,
        bbox={"facecolor": style.PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
    )


def _wrapped(name: str) -> str:
    """A path on lines of its own, broken at its dots where it is long."""
    lines: list[str] = []
    for part in name.replace(" with ", "\n").split("\n"):
        *first, last = part.rsplit(".", 1) if len(part) > 14 else [part]
        lines += [*(f"{text}." for text in first), last]
    return "\n".join(lines)
