"""How low can energy get at each pair of values of two axes? A map of the two that move it most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pcsim.report import drawn, style
from pcsim.report.tables import Cell, Table
from pcsim.sweeps.axes import AxisGroup
from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.report.effects import Effect, group_name, level_of, levels_of
from pcsim.sweeps.report.front import rule_of, rules_of
from pcsim.sweeps.report.scales import log_ticks, short_text
from pcsim.units import scale_of
from pcsim.verdict import rule_name

MOST_NUMBERS = 100
"""Cells of a map that still show their numbers."""

MOST_TICKS = 16


@dataclass(frozen=True)
class Heat:
    """The lowest energy per update of ``rule`` over all other axes, by value of two groups of axes.

    ``cells[i][j]`` belongs to value i of the group down the side and value j of that along the
    bottom; None where nothing has both, or where none has numbers.
    """

    rule: str
    side: str
    bottom: str
    side_levels: tuple[str, ...]
    bottom_levels: tuple[str, ...]
    cells: tuple[tuple[float | None, ...], ...]


def heats_of(
    groups: Sequence[AxisGroup], rows: Sequence[Row], effects: Sequence[Effect]
) -> list[Heat]:
    """A map for each rule, of the two groups with the widest effect on energy; none for one group.

    The group further back, which varies faster, runs along the bottom.
    """
    if len(groups) < 2:
        return []
    width = {
        group_name(group): max(
            (e.span for e in effects if e.metric == "energy_j" and e.name == group_name(group)),
            default=1.0,
        )
        for group in groups
    }
    widest = sorted(groups, key=lambda group: -width[group_name(group)])[:2]
    side, bottom = sorted(widest, key=groups.index)
    side_levels, bottom_levels = levels_of(side, rows), levels_of(bottom, rows)
    heats = []
    for rule in rules_of(rows):
        lowest: dict[tuple[str, str], float] = {}
        for row in rows:
            if rule_of(row) == rule and row["energy_j"] is not None:
                place = level_of(side, row), level_of(bottom, row)
                lowest[place] = min(row["energy_j"], lowest.get(place, row["energy_j"]))
        cells = tuple(tuple(lowest.get((i, j)) for j in bottom_levels) for i in side_levels)
        heats.append(
            Heat(
                rule,
                group_name(side),
                group_name(bottom),
                tuple(side_levels),
                tuple(bottom_levels),
                cells,
            )
        )
    return heats


def heat_table(heats: Sequence[Heat]) -> Table:
    """One row per cell."""
    rows: list[tuple[Cell, ...]] = [
        (heat.rule, heat.side, i, heat.bottom, j, heat.cells[y][x])
        for heat in heats
        for y, i in enumerate(heat.side_levels)
        for x, j in enumerate(heat.bottom_levels)
    ]
    columns = ("rule", "side", "side_value", "bottom", "bottom_value", "lowest_energy_j")
    return Table(columns, tuple(rows))


def heat_figure(heats: Sequence[Heat]) -> str:
    """The maps side by side as SVG text, in one scale of colours."""
    import numpy as np
    from matplotlib.colors import LogNorm

    known = [cell for heat in heats for line in heat.cells for cell in line if cell is not None]
    first = heats[0]
    scale = scale_of(max(known), "J")
    height = min(8.0, 1.9 + 0.28 * min(len(first.side_levels), MOST_TICKS + 4))
    with drawn("heat", width_in=9.6, height_in=height) as drawing:
        panels = drawing.figure.subplots(1, len(heats), squeeze=False, sharey=True)[0]
        norm = LogNorm(min(known) / scale.size, max(known) / scale.size * (1 + 1e-9))
        for panel, heat in zip(panels, heats, strict=True):
            values = np.array(
                [[np.nan if c is None else c / scale.size for c in line] for line in heat.cells]
            )
            image = panel.pcolormesh(values, norm=norm, cmap="cividis_r", edgecolors="none")
            panel.set_title(rule_name(heat.rule))
            _ticks(panel.set_xticks, heat.bottom_levels, rotate=True)
            _ticks(panel.set_yticks, heat.side_levels)
            panel.set_xlabel(heat.bottom)
            panel.grid(visible=False)
            if values.size <= MOST_NUMBERS:
                for (y, x), value in np.ndenumerate(values):
                    if not np.isnan(value):
                        dark = norm(value) > 0.5
                        panel.text(
                            x + 0.5,
                            y + 0.5,
                            f"{value:.3g}",
                            ha="center",
                            va="center",
                            fontsize=7,
                            color="#fefefe" if dark else "#010101",
                        )
        panels[0].set_ylabel(first.side)
        bar = drawing.figure.colorbar(image, ax=list(panels))
        assert bar.solids is not None
        bar.solids.set_rasterized(False)  # A page that may load nothing shows no pictures, either.
        bar.solids.set_edgecolor("face")  # No hairlines between the steps.
        bar.set_label(f"lowest energy per update ({scale.name})", color=style.INK)
        log_ticks(bar.ax.yaxis, [cell / scale.size for cell in known])
    return drawing.svg


def _ticks(set_ticks: object, levels: Sequence[str], *, rotate: bool = False) -> None:
    step = -(-len(levels) // MOST_TICKS)
    places = [place + 0.5 for place in range(0, len(levels), step)]
    turned = {"rotation": 40, "ha": "right"} if rotate and max(map(len, levels)) > 4 else {}
    set_ticks(places, [short_text(level) for level in levels[::step]], **turned)  # type: ignore[operator]
