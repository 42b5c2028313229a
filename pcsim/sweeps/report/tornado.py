"""Which axis moves energy and latency most? A tornado: the widest bar on top."""

from __future__ import annotations

from collections.abc import Sequence

from pcsim.report import drawn, style
from pcsim.sweeps.report.effects import METRICS, Effect
from pcsim.sweeps.report.scales import log_ticks, short_text
from pcsim.verdict import rule_name

TITLES = {"energy_j": "energy per update", "latency_s": "latency per update"}
MOST_AXES = 12
SMALLEST = 1.005
"""A bar of a narrower span is too short for its ends to be named."""


def tornado_figure(effects: Sequence[Effect]) -> str:
    """Bars from the lowest to the highest mean of each axis, as SVG text: one panel per metric.

    Axes are ordered by their widest effect on energy, the same in both panels; bars of PC are solid,
    those of BP hatched. The values at the ends are written beside them.
    """
    from matplotlib.patches import Patch

    rules = list(dict.fromkeys(effect.rule for effect in effects))
    width: dict[str, float] = {}
    for effect in effects:
        if effect.metric == METRICS[0]:
            width[effect.name] = max(effect.span, width.get(effect.name, 1.0))
    names = sorted(width, key=lambda name: -width[name])[:MOST_AXES]
    rows = len(names) * len(rules)
    with drawn("tornado", width_in=9.6, height_in=1.5 + 0.34 * rows) as drawing:
        panels = drawing.figure.subplots(1, len(METRICS), sharey=True)
        for panel, metric in zip(panels, METRICS, strict=True):
            for effect in effects:
                if effect.metric != metric or effect.name not in names:
                    continue
                place = names.index(effect.name) + 0.4 * (
                    rules.index(effect.rule) + 0.5 - len(rules) / 2
                )
                low = min(effect.levels, key=lambda level: level[1])
                high = max(effect.levels, key=lambda level: level[1])
                panel.barh(
                    place,
                    high[1] - low[1],
                    left=low[1],
                    height=0.36,
                    color=style.RULE_COLOURS[style.side(effect.rule)],
                    hatch=style.RULE_HATCHES[style.side(effect.rule)],
                    edgecolor=style.PAPER,
                    linewidth=0.6,
                )
                if effect.span > SMALLEST:
                    for level, side in ((low, "right"), (high, "left")):
                        panel.annotate(
                            short_text(level[0], 18),
                            (level[1], place),
                            xytext=(-4 if side == "right" else 4, 0),
                            textcoords="offset points",
                            ha=side,
                            va="center",
                            fontsize=7,
                            color=style.MUTED,
                        )
            panel.axvline(1.0, color=style.INK, linewidth=0.8)
            panel.set_xscale("log")
            means = [m for e in effects if e.metric == metric for _, m, _ in e.levels]
            room = max(max(means) / min(means), 1.1) ** 0.35
            panel.set_xlim(min(means) / room, max(means) * room)
            log_ticks(panel.xaxis, means)
            panel.set_title(TITLES[metric])
            panel.set_xlabel("mean at a value over mean of all")
            panel.grid(visible=False, axis="y")
        panels[0].set_yticks(range(len(names)), [short_text(name, 40) for name in names])
        panels[0].set_ylim(len(names) - 0.5, -0.5)
        handles = [
            Patch(
                facecolor=style.RULE_COLOURS[style.side(rule)],
                hatch=style.RULE_HATCHES[style.side(rule)],
                edgecolor=style.PAPER,
                label=rule_name(rule),
            )
            for rule in rules
        ]
        drawing.figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return drawing.svg
