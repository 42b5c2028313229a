"""``pcsim explain``: the trail behind a number."""

from __future__ import annotations

from pathlib import Path

import click

from pcsim.cli.options import ALLOW_EXTENSIONS, RUN


@click.command("explain")
@click.argument("run", type=RUN)
@click.argument("term", required=False)
@ALLOW_EXTENSIONS
def command(run: Path, term: str | None, allow_extensions: bool) -> None:
    """Show where the number TERM of the report RUN comes from: count x cost, formula, sources.

    RUN is a folder that pcsim run has written. Without TERM, the terms that can be asked are listed.
    """
    from pcsim.report.explain import explain, overview
    from pcsim.report.stored import load_run

    stored = load_run(run, allow_extensions=allow_extensions)
    click.echo(explain(stored, term) if term else overview(stored))
