"""How does a page come from its template? One file that needs no network, for screen and paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from pcsim.report.figure import Figure
from pcsim.report.svg import inlined


class Cell(NamedTuple):
    """What a cell shows, and by what its column is sorted."""

    text: str
    key: object


def same(text: str) -> Cell:
    """A cell that is sorted by what it shows."""
    return Cell(text, text)


def render(template: str, figures: Sequence[Figure], values: Mapping[str, Any]) -> str:
    """The page as HTML text: ``values`` and ``figures`` put into ``templates/TEMPLATE``.

    Every text is escaped; only the figures' drawings are markup.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup, escape

    environment = Environment(
        loader=PackageLoader("pcsim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawings, letters = inlined(
        {figure.name: (figure.drawing.svg, str(escape(figure.caption))) for figure in figures}
    )
    shown = [
        {
            "name": figure.name,
            "title": figure.title,
            "caption": figure.caption,
            "svg": Markup(drawings[figure.name]),
            "csv": "data:text/csv;charset=utf-8," + quote(figure.data.csv(), safe=",:;/ "),
        }
        for figure in figures
    ]
    page = environment.get_template(template)
    return page.render(figures=shown, letters=Markup(letters), **values)
