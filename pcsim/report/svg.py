"""How does a figure become an SVG that is the same every time and can live beside others on a
page?"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcsim.report import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN = 6.4

_ID = re.compile(r'\bid="([^"]+)"')
_REFERENCE = re.compile(r'(href="|url\()#')
_VARIABLES = {
    style.INK: "var(--ink)",
    style.MUTED: "var(--muted)",
    style.PAPER: "var(--paper)",
    style.GRID: "var(--grid)",
}


@dataclass
class Drawing:
    """A figure to draw on, and its SVG text once it is drawn."""

    figure: Figure
    svg: str = ""


@contextmanager
def drawn(name: str, *, height_in: float, width_in: float = WIDTH_IN) -> Iterator[Drawing]:
    """An empty figure in the house style; when the block ends its text is in ``svg``.

    The style is matplotlib's defaults and ours alone, whatever the user configured. The figure is
    no part of pyplot: nothing global remembers it and no window is ever opened. Every id in the
    text starts with ``name``; the text holds no date and no version.
    """
    import matplotlib
    from matplotlib import style as matplotlib_style
    from matplotlib.figure import Figure

    with matplotlib_style.context(["default", style.RC_PARAMS]):
        drawing = Drawing(Figure(figsize=(width_in, height_in), layout="constrained"))
        yield drawing
        text = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        with matplotlib.rc_context({"svg.hashsalt": name}):
            drawing.figure.savefig(text, format="svg", metadata=nothing)
    svg = _ID.sub(rf'id="{name}-\1"', text.getvalue())
    drawing.svg = _REFERENCE.sub(rf"\1#{name}-", svg)


def inlined(svg: str, *, description: str) -> str:
    """The SVG as an element of a page, which gives ink, paper and grid their colours.

    ``description`` is read out in place of the figure; it must be escaped already.
    """
    element = svg[svg.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        element = element.replace(colour, variable)
    return element.replace("<svg", f'<svg role="img" aria-label="{description}"', 1)
