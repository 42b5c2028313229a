"""Which tiles work, and which links are full? A map of the mesh for every candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pcsim.report import style
from pcsim.report.facts import Entry
from pcsim.report.figure import Figure
from pcsim.report.svg import drawn
from pcsim.report.tables import Cell, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVELS = 8
"""Shades of each colour; a shade is a share of its opacity, so that it goes with any paper."""
TILE = 0.64
"""Side of a tile, as a part of the distance from tile to tile."""
LINK = 0.13
"""Thickness of a link, alike."""

Rectangle = tuple[float, float, float, float]
"""x, y, width, height."""


def mesh_maps(entries: Sequence[Entry], mesh: Sequence[int]) -> Figure | None:
    """Tiles by the busy share of their arrays, links by theirs; None where no tile worked.

    Links of unlimited width have no load and are not drawn.
    """
    tiles = {index: _busiest(entry) for index, entry in enumerate(entries)}
    links = {
        index: {
            (row["from_tile"], row["to_tile"]): row["utilization"]
            for row in entry.rows["links"]
            if row["utilization"] is not None
        }
        for index, entry in enumerate(entries)
    }
    most_busy = max((share for found in tiles.values() for share in found.values()), default=0)
    shown = [share for each in links.values() for ends, share in each.items() if _link(*ends, mesh)]
    fullest = max(shown, default=0)
    if not most_busy:
        return None
    across = min(len(entries), 3)
    down = -(-len(entries) // across)
    side = 6.4 / across
    height = down * (side * min(mesh[0] / mesh[1], 2.0) + 0.15) + 0.75
    with drawn("mesh", height_in=height) as drawing:
        panels = drawing.figure.subplots(down, across, squeeze=False).ravel()
        for panel in panels[len(entries) :]:
            panel.set_axis_off()
        for index, (panel, entry) in enumerate(zip(panels, entries, strict=False)):
            _panel(panel, entry, mesh)
            shares = {
                _tile(tile, mesh[1]): share / most_busy for tile, share in tiles[index].items()
            }
            _fill(panel, shares, style.COMPONENT_COLOURS["array"])
            loads = {
                shape: share / (fullest or 1)
                for ends, share in links[index].items()
                for shape in _link(*ends, mesh)
            }
            _fill(panel, loads, style.COMPONENT_COLOURS["dram"])
        _legend(drawing.figure, most_busy, fullest)
    rows: list[tuple[Cell, ...]] = []
    for index, entry in enumerate(entries):
        rows += [(entry.label, "tile", tile, None, share) for tile, share in tiles[index].items()]
        rows += [(entry.label, "link", *ends, share) for ends, share in links[index].items()]
    return Figure(
        "mesh",
        "Map of the chip",
        "Squares are tiles, the stronger in colour the longer their array works; the bars between them are "
        "links, one for each direction, the stronger the more of the update they are in use. Both scales "
        "end at the largest value. Rows and columns count from the upper left; DRAM hangs on the left "
        "column. Of a wire round the edge both ends are shown; switches and buses have no place on the map.",
        drawing,
        Table(("candidate", "what", "tile", "to_tile", "busy_share"), tuple(rows)),
    )


def _busiest(entry: Entry) -> dict[int, float]:
    """Per tile the busy share of its array, of two the larger."""
    found: dict[int, float] = {}
    for row in entry.rows["tiles"]:
        if row["kind"] == "array":
            found[row["tile"]] = max(row["utilization"], found.get(row["tile"], 0.0))
    return found


def _tile(tile: int, columns: int) -> Rectangle:
    row, column = divmod(tile, columns)
    return column - TILE / 2, row - TILE / 2, TILE, TILE


def _link(source: int, target: int, mesh: Sequence[int]) -> list[Rectangle]:
    """The bar between two tiles, beside the one for the other direction; where the wire goes round the edge,
    its two ends there. Nothing of links to what is no tile, and of wires across the map."""
    rows, columns = mesh
    if max(source, target) >= rows * columns:
        return []
    (row, column), (to_row, to_column) = divmod(source, columns), divmod(target, columns)
    aside = 0.03
    if row == to_row:
        y = row + (aside if column > to_column else -aside - LINK)
        return [(x, y, length, LINK) for x, length in _along(column, to_column)]
    if column == to_column:
        x = column + (aside if row > to_row else -aside - LINK)
        return [(x, y, LINK, length) for y, length in _along(row, to_row)]
    return []


def _along(place: int, other: int) -> list[tuple[float, float]]:
    """Where the parts of a link between tiles of one row begin, and how long they are."""
    first, last = min(place, other), max(place, other)
    if last == first + 1:
        return [(first + TILE / 2, 1 - TILE)]
    end = (1 - TILE) / 2
    return [(first - 0.5, end), (last + TILE / 2, end)]


def _panel(panel: Axes, entry: Entry, mesh: Sequence[int]) -> None:
    rows, columns = mesh
    panel.set_title(entry.label)
    panel.set_xlim(-0.5, columns - 0.5)
    panel.set_ylim(rows - 0.5, -0.5)
    panel.set_aspect("equal")
    panel.grid(visible=False)
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    panel.set_xticks(_few(columns))
    panel.set_yticks(_few(rows))
    everywhere = [_tile(tile, columns) for tile in range(rows * columns)]
    panel.add_patch(rectangles(everywhere, facecolor="none", edgecolor=style.GRID, lw=0.6))


def _few(count: int) -> list[int]:
    """At most five of the numbers below ``count``, evenly spaced."""
    return list(range(0, count, max(1, -(-count // 5))))


def _fill(panel: Axes, shares: dict[Rectangle, float], colour: str) -> None:
    """All rectangles of one shade are one patch, so that a large mesh stays a small file."""
    for level in range(1, LEVELS + 1):
        chosen = [at for at, share in shares.items() if share and _level(share) == level]
        if chosen:
            panel.add_patch(rectangles(chosen, facecolor=colour, alpha=level / LEVELS, lw=0))


def _level(share: float) -> int:
    return max(1, -int(-share * LEVELS // 1))


def rectangles(shapes: Sequence[Rectangle], **look: Any) -> Any:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    corners, codes = [], []
    for x, y, width, height in shapes:
        corners += [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
        codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return PathPatch(Path(corners, codes), **look)


def _legend(figure: Any, most_busy: float, fullest: float) -> None:
    from matplotlib.patches import Patch

    handles = []
    for key, most, name in (
        ("array", most_busy, "arrays busy"),
        ("dram", fullest, "link used"),
    ):
        if most:
            handles += [
                Patch(
                    facecolor=style.COMPONENT_COLOURS[key],
                    alpha=share,
                    label=f"{name} {100 * share * most:.2g} %",
                )
                for share in (0.25, 0.5, 1.0)
            ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, handlelength=1.2)
