"""``pcsim explain``: the trail behind a number, and the meaning of a word."""

from __future__ import annotations

from pathlib import Path

import click

from pcsim.cli.options import ALLOW_EXTENSIONS


@click.command("explain")
@click.argument("words", metavar="[RUN [TERM] | WORD]", nargs=-1)
@ALLOW_EXTENSIONS
def command(words: tuple[str, ...], allow_extensions: bool) -> None:
    """Show where the number TERM of the report RUN comes from, or what WORD means.

    RUN is a folder that pcsim run has written, or last: the one written last. With TERM, count x cost,
    formula and sources of a number are shown; without, the terms that can be asked. WORD is any word that
    pcsim prints, such as credit depth; without anything, all words are listed.
    """
    from pcsim.report.explain import explain, glossary, overview
    from pcsim.report.last import LAST, is_report, resolved
    from pcsim.report.stored import load_run

    if not words:
        click.echo(
            "pcsim explain RUN TERM tells of a number of a report, pcsim explain WORD of a word:\n"
        )
        click.echo("\n".join(f"  {word}" for word in glossary.words()))
        return
    run, term = words[0], " ".join(words[1:])
    whole = " ".join(words)
    named = run == LAST or is_report(Path(run)) or "/" in run or "\\" in run
    # A folder that happens to be called like a word is none of ours.
    if not named and (glossary.definition(whole) is not None or not Path(run).exists()):
        click.echo(glossary.define(whole))
        return
    stored = load_run(resolved(Path(run)), allow_extensions=allow_extensions)
    click.echo(explain(stored, term) if term else overview(stored))
