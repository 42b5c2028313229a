"""How does a figure become an SVG that is the same every time and can live beside others on a
page?"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcsim.report import style
from pcsim.report.smaller import smaller

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN = 6.4

PNG_DPI = 200

_ID = re.compile(r'\bid="([^"]+)"')
_GLYPH = re.compile(r'<path id="[a-z]+-DejaVuSans-([\w-]+)"([^>]*/>)')
_GLYPH_USED = re.compile(r'"#[a-z]+-DejaVuSans-([\w-]+)"')
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

    def png(self) -> bytes:
        """The figure, once it is drawn, as a picture of pixels; without a date or a version."""
        picture = io.BytesIO()
        with _house_style():
            self.figure.savefig(picture, format="png", dpi=PNG_DPI, metadata={"Software": None})
        return picture.getvalue()


@contextmanager
def _house_style() -> Iterator[None]:
    """matplotlib's defaults and ours alone, whatever the user configured."""
    from matplotlib import style as matplotlib_style

    with matplotlib_style.context(["default", style.RC_PARAMS]):
        yield


@contextmanager
def drawn(name: str, *, height_in: float, width_in: float = WIDTH_IN) -> Iterator[Drawing]:
    """An empty figure in the house style; when the block ends its text is in ``svg``.

    The style is ours alone. The figure is no part of pyplot: nothing global remembers it and no window
    is ever opened. Every id in the text starts with ``name``; the text holds no date and no version.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with _house_style():
        drawing = Drawing(Figure(figsize=(width_in, height_in), layout="constrained"))
        yield drawing
        text = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        with matplotlib.rc_context({"svg.hashsalt": name}):
            drawing.figure.savefig(text, format="svg", metadata=nothing)
    svg = _ID.sub(rf'id="{name}-\1"', smaller(text.getvalue()))
    drawing.svg = _REFERENCE.sub(rf"\1#{name}-", svg)


def inlined(drawings: Mapping[str, tuple[str, str]]) -> tuple[dict[str, str], str]:
    """SVGs as elements of one page, which gives ink, paper and grid their colours.

    ``drawings`` are (SVG text, description) by name; a description is read out in place of the figure
    and must be escaped already. Returns the elements by name, and one element, to stand before them,
    with the shapes of the letters that they share.
    """
    glyphs: dict[str, str] = {}
    elements = {}
    for name, (svg, description) in drawings.items():
        element = svg[svg.index("<svg") :]
        glyphs.update(_GLYPH.findall(element))
        element = _GLYPH.sub("", element).replace("<defs></defs>", "")
        element = _GLYPH_USED.sub(r'"#g\1"', element).replace("xlink:href=", "href=")
        for colour, variable in _VARIABLES.items():
            element = element.replace(colour, variable)
        elements[name] = element.replace("<svg", f'<svg role="img" aria-label="{description}"', 1)
    shapes = "".join(f'<path id="g{glyph}"{rest}' for glyph, rest in sorted(glyphs.items()))
    letters = f'<svg class="letters" aria-hidden="true"><defs>{shapes}</defs></svg>'
    return elements, letters
