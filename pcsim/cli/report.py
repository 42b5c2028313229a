"""``pcsim report``: what stored runs said."""

from __future__ import annotations

import io
from pathlib import Path

import click

from pcsim.cli.ending import written
from pcsim.cli.options import FULL, RUN
from pcsim.cli.progress import show_progress


@click.command("report")
@click.argument("runs", metavar="RUN...", type=RUN, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to write the page, tables and figures to; several runs have one of their own in reports.",
)
@click.option("--png", is_flag=True, help="Write the figures as PNG, too.")
@FULL
def command(runs: tuple[Path, ...], output: Path | None, png: bool, full: bool) -> None:
    """Show a stored run again, or compare several on one page.

    Each RUN is a folder that pcsim run has written, or last: the one written last. Of one run the screen
    is shown, and with -o its page is drawn anew; of several the numbers stand side by side, and a page
    with figures is written.
    """
    from pcsim.report.last import note, resolved
    from pcsim.report.reading import drawing
    from pcsim.report.stored import load_run

    tell = show_progress()
    tell("read", ", ".join(map(str, runs)))
    stored = [load_run(resolved(run)) for run in runs]
    if len(stored) > 1:
        from pcsim.report.comparison import compare_runs
        from pcsim.report.side_by_side import side_by_side

        tell("draw")
        folder = compare_runs(stored, output, png=png)
        with drawing(" and ".join(str(run.folder) for run in stored)):
            table = side_by_side(stored)
        written(f"the comparison is in {folder}")
        tell.stop()
        click.echo(table)
        click.echo(f"\nreport: {folder}/report.html")
        return
    from rich.console import Console

    from pcsim.report import FirstScreen, screen

    shown = stored[0].folder
    if output is not None:
        from pcsim.report.folder import write_again

        tell("draw")
        shown = write_again(stored[0], output, png=png)
        note(shown)
        written(f"the report is in {shown}")
    elif png:
        raise click.UsageError("--png needs -o: the folder to write the figures to")
    summary = stored[0].summary
    # Reports of earlier versions do not say what the first screen shows.
    earlier = bool(summary["ratios"]) and not summary["ratios"].get("races")
    draw = screen if full or earlier else FirstScreen
    tell.stop()
    console = Console()
    with drawing(str(stored[0].folder)):
        trial = Console(file=io.StringIO(), width=console.width, color_system=None)
        trial.print(draw(summary, folder=str(shown)))
    console.print(draw(summary, folder=str(shown)))
