"""``pcsim run``: the whole line once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pcsim.cli.ending import written
from pcsim.cli.options import (
    ALLOW_EXTENSIONS,
    FULL,
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
from pcsim.cli.progress import show_progress
from pcsim.errors import Interrupted


@click.command("run")
@HARDWARE
@WORKLOAD
@RULE
@SET
@OBJECTIVE
@FULL_CREDIT
@SEED
@ALLOW_EXTENSIONS
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
@FULL
@click.option(
    "--levers/--no-levers",
    default=None,
    help="Simulate what more of each resource would bring; default: where that takes seconds.",
)
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
    allow_extensions: bool,
    output: Path | None,
    traced: bool,
    trace_window: str | None,
    png: bool,
    full: bool,
    levers: bool | None,
    json_only: bool,
    resume: bool,
) -> None:
    """Train WORKLOAD by both rules, time and price both on HARDWARE, and say who wins.

    HARDWARE and WORKLOAD are YAML files, or names of shipped ones such as tile64 and mlp128. Every
    seed is kept as soon as it is trained, and a long one every few seconds, so that the same command
    goes on where a stopped one was.
    """
    tell = show_progress()
    tell("load", f"{hardware} and {workload}")
    from pcsim.config import candidates, dump_yaml
    from pcsim.engine import kept_seeds, tell_if_nothing_is_kept
    from pcsim.intake import load_pair
    from pcsim.report import check_replaceable, parse_window, planned_name

    settings = with_flags(overrides, full_credit=full_credit, objective=objective)
    window = None if trace_window is None else parse_window(trace_window)
    chip, work = load_pair(
        hardware, workload, overrides=settings, allow_extensions=allow_extensions
    )
    # Where nothing can be written is said before minutes of training.
    chosen = candidates(chip, work, rule=rule)
    config_text = f"{dump_yaml(chip)}---\n{dump_yaml(work)}"
    # Of several schedules for a rule the best is known, and with it the folder, only at the end.
    seeds = range(seed, seed + work.training.seeds)
    name = planned_name(chip, work, seeds=seeds, candidates=chosen, config_text=config_text)
    check_replaceable(output or Path("reports", name))

    def kept() -> str:
        done, begun, total = kept_seeds(work, chosen, first_seed=seed)
        half_way = f", {begun} half-way" if begun else ""
        return f"{done} of {total} seeds are trained and kept{half_way}"

    tell_if_nothing_is_kept()
    if resume:
        click.echo(f"resuming: {kept()}", err=True)
    from pcsim.cli.estimate import simulator_kernels_s, training_kernels_s
    from pcsim.line import run

    tell.compiling_takes = lambda stage: (
        training_kernels_s(work, chosen) if stage == "train" else simulator_kernels_s()
    )
    training = tell.counting("updates", stage="train")
    try:
        verdict = run(
            chip,
            work,
            rule=rule,
            seed=seed,
            record=True,
            levers=levers,
            stage=tell,
            progress=training,
        )
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {kept()}; the same command goes on from there") from None
    tell("report")
    from pcsim.report import FirstScreen, folder_name, provenance_of, screen, trace_of, write_folder
    from pcsim.report.last import note
    from pcsim.verdict import as_json, summary

    folder = write_folder(
        verdict,
        output or Path("reports") / folder_name(verdict, config_text=config_text),
        config_text=config_text,
        provenance=provenance_of(sys.argv, started=tell.clock.started, wall_s=tell.wall_s()),
        trace=trace_of(verdict.results, window) if traced or window else None,
        png=png,
    )
    written(f"the report is in {folder}")
    note(folder)
    facts = summary(verdict)
    tell.stop()
    if json_only:
        click.echo(as_json(facts), nl=False)
        click.echo(f"report: {folder}", err=True)
    else:
        from rich.console import Console

        if full:
            Console().print(screen(facts, folder=str(folder), wall_s=tell.wall_s()))
        else:
            Console().print(FirstScreen(facts, folder=str(folder)))
