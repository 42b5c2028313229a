"""``pcsim run``: the whole line once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pcsim.cli.options import (
    FULL_CREDIT,
    HARDWARE,
    OBJECTIVE,
    OUTPUT,
    RULE,
    SEED,
    SET,
    WORKLOAD,
    with_flags,
)
from pcsim.cli.progress import StageClock, progress_bar
from pcsim.errors import Interrupted


@click.command("run")
@HARDWARE
@WORKLOAD
@RULE
@SET
@OBJECTIVE
@FULL_CREDIT
@SEED
@OUTPUT
@click.option(
    "--trace", "traced", is_flag=True, help="Write trace.json.gz of one update, for Perfetto."
)
@click.option(
    "--trace-window",
    metavar="A:B",
    help="Trace the cycles from A to B alone; either may be left out.",
)
@click.option("--png", is_flag=True, help="Write the figures as PNG, too.")
@click.option("--json", "json_only", is_flag=True, help="Print one JSON object, and nothing else.")
@click.option(
    "--resume",
    is_flag=True,
    help="Say what an interrupted run has kept before going on from there.",
)
def command(
    hardware: str,
    workload: str,
    rule: str,
    overrides: tuple[str, ...],
    objective: str | None,
    full_credit: bool,
    seed: int,
    output: Path | None,
    traced: bool,
    trace_window: str | None,
    png: bool,
    json_only: bool,
    resume: bool,
) -> None:
    """Train WORKLOAD by both rules, time and price both on HARDWARE, and say who wins.

    HARDWARE and WORKLOAD are YAML files, or names of shipped ones such as tile64 and mlp128. Every
    seed is kept as soon as it is trained, and a long one every few seconds, so that the same command
    goes on where a stopped one was.
    """
    clock = StageClock()
    clock("load")
    from pcsim.config import candidates, dump_yaml
    from pcsim.engine import kept_seeds, why_nothing_is_kept
    from pcsim.intake import load_pair
    from pcsim.report import check_replaceable, parse_window

    settings = with_flags(overrides, full_credit=full_credit, objective=objective)
    window = None if trace_window is None else parse_window(trace_window)
    chip, work = load_pair(hardware, workload, overrides=settings)
    # Where nothing can be written is said before minutes of training.
    check_replaceable(output or Path("reports", "report"))
    chosen = candidates(chip, work, rule=rule)

    def kept() -> str:
        done, begun, total = kept_seeds(work, chosen, first_seed=seed)
        half_way = f", {begun} half-way" if begun else ""
        return f"{done} of {total} seeds are trained and kept{half_way}"

    if reason := why_nothing_is_kept():
        click.echo(f"note: {reason}; nothing is kept for later runs", err=True)
    if resume:
        click.echo(f"resuming: {kept()}", err=True)
    from pcsim.line import run

    try:
        with progress_bar("training", unit="updates") as progress:
            verdict = run(
                chip, work, rule=rule, seed=seed, record=True, stage=clock, progress=progress
            )
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {kept()}; the same command goes on from there") from None
    clock("report")
    from pcsim.report import folder_name, provenance_of, screen, trace_of, write_folder
    from pcsim.verdict import as_json, summary

    config_text = f"{dump_yaml(chip)}---\n{dump_yaml(work)}"
    folder = write_folder(
        verdict,
        output or Path("reports") / folder_name(verdict, config_text=config_text),
        config_text=config_text,
        provenance=provenance_of(sys.argv, started=clock.started, wall_s=clock.wall_s()),
        trace=trace_of(verdict.results, window) if traced or window else None,
        png=png,
    )
    facts = summary(verdict)
    if json_only:
        click.echo(as_json(facts), nl=False)
        click.echo(f"report: {folder}", err=True)
    else:
        from rich.console import Console

        Console().print(screen(facts, folder=str(folder), wall_s=clock.wall_s()))
