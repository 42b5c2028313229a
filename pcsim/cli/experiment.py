"""``pcsim experiment``: what is known of predictive coding and its costs, measured and drawn in a moment."""

from __future__ import annotations

from pathlib import Path

import click

from pcsim.cli.ending import written
from pcsim.cli.options import OUTPUT
from pcsim.cli.progress import show_progress
from pcsim.experiments.catalogue import EXPERIMENTS


def tell_all(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    """Print every experiment with its question, and end."""
    if wanted:
        width = max(map(len, EXPERIMENTS))
        for name, question in EXPERIMENTS.items():
            click.echo(f"{name:<{width}}  {question}")
        ctx.exit()


@click.command("experiment")
@click.argument("name", metavar="NAME", type=click.Choice(list(EXPERIMENTS)))
@OUTPUT
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=tell_all,
    help="Name every experiment with its question.",
)
def command(name: str, output: Path | None) -> None:
    """Measure NAME on small networks or chips, and compare the outcome with theory.

    Writes a page, a table and a figure.
    """
    from pcsim.experiments import check_output, find, load_experiment, names, write_findings

    tell = show_progress()
    tell("load", f"experiment {name}")
    check_output(name, output)
    experiment = load_experiment(name)
    tell("measure", name)
    findings = find(experiment)
    tell("report")
    folder = write_findings(findings, output)
    written(f"the findings are in {folder}")
    tell.stop()
    for statement in findings.statements:
        click.echo(f"- {statement}")
    files = ", ".join(str(folder / file) for file in names(name))
    click.echo(f"\nexperiment: {files}")
