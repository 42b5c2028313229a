"""``pcsim explain``: the trail behind a number, and the meaning of a word."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("explain")
@click.argument("run", metavar="[RUN|WORD]", required=False)
@click.argument("term", required=False)
def command(run: str | None, term: str | None) -> None:
    """Show where the number TERM of the report RUN comes from, or what WORD means.

    RUN is a folder that pcsim run has written, or last: the one written last. With TERM, count x cost,
    formula and sources of a number are shown; without, the terms that can be asked. WORD is any word that
    pcsim prints, such as "credit depth"; without anything, all words are listed.
    """
    from pcsim.report.explain import explain, overview
    from pcsim.report.explain.glossary import define, words
    from pcsim.report.last import LAST, is_report, resolved
    from pcsim.report.stored import load_run

    if run is None:
        click.echo(
            "pcsim explain RUN TERM tells of a number of a report, pcsim explain WORD of a word:\n"
        )
        click.echo("\n".join(f"  {word}" for word in words()))
        return
    named = run == LAST or is_report(Path(run)) or "/" in run or "\\" in run
    if not named and term is None:
        click.echo(define(run))
        return
    stored = load_run(resolved(Path(run)))
    click.echo(explain(stored, term) if term else overview(stored))
