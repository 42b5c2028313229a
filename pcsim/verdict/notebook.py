"""What does a verdict look like as the value of a notebook's cell? Its sentences and its table."""

from __future__ import annotations

from html import escape

from pcsim.verdict.rows import challenger_name, comparison_rows, names
from pcsim.verdict.summary import summary
from pcsim.verdict.values import Verdict


def html_of(verdict: Verdict) -> str:
    """A fragment of HTML: no script, no style sheet, every text escaped."""
    facts = summary(verdict)
    heads = (
        [*names(facts), f"{challenger_name(facts)} / BP"] if facts["ratios"] else [*names(facts)]
    )
    rows = [
        [row.label, *row.cells, *([row.ratio] if facts["ratios"] else [])]
        for row in comparison_rows(facts)
    ]
    table = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in verdict.sentences)
    return (
        f"<h4>{escape(verdict.hardware.name)} x {escape(verdict.workload.name)}</h4>"
        f"<table><tr>{_cells('th', ['', *heads])}</tr>{table}</table><ul>{said}</ul>"
    )


def _cells(tag: str, texts: list[str]) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)


# A notebook asks the value itself. It is told here, so that values need not know who draws them.
Verdict._repr_html_ = html_of
