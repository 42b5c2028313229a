"""``pcsim run``: the whole line once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pcsim.cli.options import HARDWARE, OUTPUT, RULE, SEED, SET, WORKLOAD
from pcsim.cli.progress import StageClock, progress_bar


@click.command("run")
@HARDWARE
@WORKLOAD
@RULE
@SET
@SEED
@OUTPUT
@click.option("--json", "json_only", is_flag=True, help="Print one JSON object, and nothing else.")
def command(
    hardware: str,
    workload: str,
    rule: str,
    overrides: tuple[str, ...],
    seed: int,
    output: Path | None,
    json_only: bool,
) -> None:
    """Train WORKLOAD by both rules, time and price both on HARDWARE, and say who wins.

    HARDWARE and WORKLOAD are YAML files, or names of shipped ones such as tile64 and mlp128.
    """
    clock = StageClock()
    clock("load")
    from pcsim.config import dump_yaml, load_both
    from pcsim.line import run

    chip, work = load_both(hardware, workload, overrides=overrides)
    if output is not None:
        from pcsim.report import check_replaceable

        check_replaceable(output)
    with progress_bar("training", unit="updates") as progress:
        verdict = run(chip, work, rule=rule, seed=seed, stage=clock, progress=progress)
    clock("report")
    from pcsim.report import folder_name, provenance_of, screen, write_folder
    from pcsim.verdict import as_json, summary

    config_text = f"{dump_yaml(chip)}---\n{dump_yaml(work)}"
    folder = write_folder(
        verdict,
        output or Path("reports") / folder_name(verdict, config_text=config_text),
        config_text=config_text,
        provenance=provenance_of(sys.argv, started=clock.started, wall_s=clock.wall_s()),
    )
    facts = summary(verdict)
    if json_only:
        click.echo(as_json(facts), nl=False)
        click.echo(f"report: {folder}", err=True)
    else:
        from rich.console import Console

        Console().print(screen(facts, folder=str(folder), wall_s=clock.wall_s()))
