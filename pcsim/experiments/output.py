"""An experiment's folder: a page of what was expected and found, the table, the figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pcsim.experiments.catalogue import EXPERIMENTS
from pcsim.experiments.experiment import Findings
from pcsim.report.replace import check_folder, replace_folder

if TYPE_CHECKING:
    import pandas as pd


def names(name: str) -> tuple[str, str, str]:
    """The files of an experiment: its page, its table, its figure."""
    return "README.md", f"{name}.csv", f"{name}.svg"


def marks(name: str) -> dict[str, bytes]:
    """By what it is told that pcsim wrote the files."""
    return {"README.md": f"# {name}: ".encode()}


def check_output(name: str, folder: Path | None = None) -> None:
    """Make sure that ``write_findings`` can write there and destroys nothing but an earlier run.

    Raises:
        InputError: ``folder`` is a file, cannot be made, or holds anything else.
    """
    check_folder(folder or default_folder(name), known=names(name), marks=marks(name))


def default_folder(name: str) -> Path:
    """Where an experiment goes unless it is told."""
    return Path("reports") / f"experiment-{name}"


def write_findings(findings: Findings, folder: Path | None = None) -> Path:
    """Write README.md, NAME.csv and NAME.svg to ``folder``, in place of what an earlier run left there.

    Returns the folder, ``reports/experiment-NAME`` if none is given.

    Raises:
        InputError: as ``check_output``.
        OutputError: it could not be written.
    """
    name = findings.experiment.name
    table = findings.table.to_csv(index=False, lineterminator="\n", float_format="%.10g")
    contents = (page(findings), table, findings.svg)
    files = dict(zip(names(name), contents, strict=True))
    return replace_folder(
        folder or default_folder(name), files, marks=marks(name), last="README.md"
    )


def page(findings: Findings) -> str:
    """README.md: question, setting, figure, each expectation with its outcome, the main numbers."""
    experiment = findings.experiment
    name = experiment.name
    outcomes = "\n".join(
        f"- {'As expected' if statement.holds else '**Not as expected**'}: {statement.expected}. "
        f"*{statement.found}.*"
        for statement in findings.statements
    )
    agreeing = sum(statement.holds for statement in findings.statements)
    return f"""\
# {name}: {EXPERIMENTS[name]}

{experiment.setting}

![{name}]({name}.svg)

{experiment.caption}

## Expectation and outcome

{agreeing} of {len(findings.statements)} statements hold.

{outcomes}

## Numbers

{_markdown(experiment.numbers(findings.table))}
Everything that is drawn stands in `{name}.csv`. Again: `pcsim experiment {name}`.
"""


def _markdown(table: pd.DataFrame) -> str:
    """A table in Markdown, numbers to three digits."""
    lines = [
        list(table.columns),
        ["---"] * len(table.columns),
        *([_cell(value) for value in row] for row in table.itertuples(index=False)),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if value != value:
        return "-"
    return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1 else f"{value:.3g}"
