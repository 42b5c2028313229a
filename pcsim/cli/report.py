"""``pcsim report``: what stored runs said."""

from __future__ import annotations

from pathlib import Path

import click

from pcsim.cli.options import RUN


@click.command("report")
@click.argument("runs", metavar="RUN...", type=RUN, nargs=-1, required=True)
def command(runs: tuple[Path, ...]) -> None:
    """Show the screen of a stored run again, or a table of several side by side.

    Each RUN is a folder that pcsim run has written.
    """
    from pcsim.report.stored import load_run

    stored = [load_run(run) for run in runs]
    if len(stored) > 1:
        from pcsim.report.side_by_side import side_by_side

        click.echo(side_by_side(stored))
        return
    from rich.console import Console

    from pcsim.report import screen

    Console().print(screen(stored[0].summary, folder=str(stored[0].folder)))
