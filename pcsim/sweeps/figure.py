"""What does a sweep look like? Energy, time and accuracy over its first axis, one line per candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pcsim.report import drawn, style
from pcsim.units import Scale, scale_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PANELS = (
    ("energy_j", "energy per update", "J"),
    ("latency_s", "latency per update", "s"),
    ("accuracy", "test accuracy", ""),
)
MARKERS = "osD^vPX*"


def sweep_figure(table: pd.DataFrame, axes: Sequence[str]) -> str:
    """The sweep as SVG text. The first axis runs to the right; further axes give further lines."""
    with drawn("sweep", width_in=9.6, height_in=3.4) as drawing:
        panels = drawing.figure.subplots(1, len(PANELS))
        for panel, (column, title, unit) in zip(panels, PANELS, strict=True):
            _panel(panel, table, axes, column=column, unit=unit)
            panel.set_title(title)
            panel.set_xlabel(axes[0])
        handles, labels = panels[0].get_legend_handles_labels()
        if len(labels) > 1:
            drawing.figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return drawing.svg


def _panel(
    panel: Axes, table: pd.DataFrame, axes: Sequence[str], *, column: str, unit: str
) -> None:
    texts = list(dict.fromkeys(table[axes[0]]))
    numbers = _numbers(texts)
    places = numbers or list(range(len(texts)))
    place_of = dict(zip(texts, places, strict=True))
    known = table[column].dropna()
    scale = scale_of(known.max(), unit) if unit and len(known) else Scale(1.0, unit)
    groups = table.groupby([*axes[1:], "candidate"], sort=False)
    for index, (key, rows) in enumerate(groups):
        rule = str(key[-1]).split("-")[0]
        others = ", ".join(
            f"{path.rsplit('.', 1)[-1]} {value}"
            for path, value in zip(axes[1:], key[:-1], strict=True)
        )
        name = f"{key[-1]}, {others}" if others else str(key[-1])
        panel.plot(
            [place_of[text] for text in rows[axes[0]]],
            rows[column].astype(float) / scale.size,
            label=name,
            color=style.RULE_COLOURS[rule],
            linestyle=style.RULE_LINES[rule],
            marker=MARKERS[index // 2 % len(MARKERS)],
            markersize=4,
        )
    if unit:
        panel.set_ylabel(scale.name)
        panel.set_ylim(bottom=0)
    if numbers is None:
        panel.set_xticks(places, texts, rotation=30, ha="right")
    elif min(numbers) > 0 and max(numbers) / min(numbers) >= 20:
        panel.set_xscale("log")


def _numbers(texts: Sequence[str]) -> list[float] | None:
    """The values as numbers, None unless all are (units stand behind and are alike)."""
    parts = [text.strip("'\"").split(" ", 1) for text in texts]
    if len({part[1] if len(part) > 1 else "" for part in parts}) > 1:
        return None
    try:
        return [float(part[0]) for part in parts]
    except ValueError:
        return None
