"""``pcsim tune``: the same budget of trainings for both rules."""

from __future__ import annotations

from pathlib import Path

import click

from pcsim.cli.ending import written
from pcsim.cli.options import ALLOW_EXTENSIONS, SEED, SET, WORKLOAD, FileOrName
from pcsim.cli.progress import show_progress
from pcsim.errors import Interrupted


@click.command("tune")
@WORKLOAD
@click.option(
    "--hardware",
    type=FileOrName("hardware"),
    default="tile64",
    show_default=True,
    help="The chip whose number formats are trained in.",
)
@click.option(
    "--budget",
    type=click.IntRange(min=1, max=100_000),
    default=16,
    show_default=True,
    help="Settings to train of each rule, the workload's own included.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1, max=1000),
    default=1,
    show_default=True,
    help="Seeds to train each setting with.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1, max=100_000),
    help="Epochs of each training; default: the workload's.",
)
@click.option(
    "--rate",
    default="1e-4..1e-1",
    metavar="LOW..HIGH",
    show_default=True,
    help="Weight rates to try, the same for both rules.",
)
@click.option(
    "--pc-steps",
    default="1..32",
    metavar="LOW..HIGH",
    show_default=True,
    help="Inference steps T to try.",
)
@click.option(
    "--pc-rate",
    default="0.02..1",
    metavar="LOW..HIGH",
    show_default=True,
    help="Inference rates eta to try.",
)
@SET
@SEED
@ALLOW_EXTENSIONS
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to write to; default: that of the workload file, or here for a shipped one.",
)
def command(
    workload: str,
    hardware: str,
    budget: int,
    seeds: int,
    epochs: int | None,
    rate: str,
    pc_steps: str,
    pc_rate: str,
    overrides: tuple[str, ...],
    seed: int,
    allow_extensions: bool,
    output: Path | None,
) -> None:
    """Find settings of both rules with the same number of trainings; write the tuned workload.

    Settings are judged on the validation images. Tried are weight rates for both rules, and for
    predictive coding inference steps and rates. Writes NAME-tuned.yaml and a table of all trials,
    NAME-tuned.csv. Trainings are kept, so that the same command goes on where a stopped one was.
    """
    from pcsim.config import load_both, shipped
    from pcsim.engine import kept_seeds
    from pcsim.tuning import (
        check_output,
        parse_ranges,
        plan_tuning,
        screen,
        tune,
        tuned_name,
        write_tuned,
    )

    tell = show_progress()
    tell("load", workload)
    ranges = parse_ranges(rate=rate, pc_steps=pc_steps, pc_rate=pc_rate)
    chip, work = load_both(
        hardware, workload, overrides=overrides, allow_extensions=allow_extensions
    )
    folder = output or (Path() if workload in shipped("workload") else Path(workload).parent)
    check_output(tuned_name(work), folder)  # Before minutes of training.
    plan = plan_tuning(
        chip, work, budget=budget, seeds=seeds, epochs=epochs, first_seed=seed, ranges=ranges
    )
    try:
        tell("train", f"{len(plan.trials)} settings")
        tuned = tune(plan, progress=tell.counting("updates", stage="train"))
    except KeyboardInterrupt:
        done, begun, total = kept_seeds(plan.course, plan.candidates, first_seed=seed)
        half_way = f", {begun} half-way" if begun else ""
        raise Interrupted(
            f"interrupted; {done} of {total} trainings are kept{half_way}; "
            "the same command goes on from there"
        ) from None
    tuned_file, table = write_tuned(tuned, folder)
    written(f"the tuned workload is {tuned_file}")
    tell.stop()
    click.echo(screen(tuned))
    click.echo(f"\ntuned: {tuned_file}, {table}")
