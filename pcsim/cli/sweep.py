"""``pcsim sweep``: the whole line many times."""

from __future__ import annotations

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
from pcsim.cli.progress import progress_bar


@click.command("sweep")
@HARDWARE
@WORKLOAD
@click.option(
    "--axis",
    "axes",
    multiple=True,
    required=True,
    metavar="PATH=V1,V2,...",
    help="A value of either file and what to try for it. Repeat for a grid.",
)
@RULE
@SET
@OBJECTIVE
@FULL_CREDIT
@SEED
@OUTPUT
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; default all cores.")
def command(
    hardware: str,
    workload: str,
    axes: tuple[str, ...],
    rule: str,
    overrides: tuple[str, ...],
    objective: str | None,
    full_credit: bool,
    seed: int,
    output: Path | None,
    jobs: int | None,
) -> None:
    """Run the whole line at every combination of values; one CSV and one figure.

    For example: pcsim sweep tile64 mlp128 --axis pc.steps=1,3,10 --axis noc.link="8 B/cycle","32 B/cycle"
    """
    from pcsim.sweeps import COLUMNS, sweep, write_sweep

    with progress_bar("training", unit="updates") as progress:
        table = sweep(
            hardware,
            workload,
            axes,
            overrides=with_flags(overrides, full_credit=full_credit, objective=objective),
            rule=rule,
            seed=seed,
            jobs=jobs,
            progress=progress,
        )
    folder = write_sweep(table, output, name=f"{Path(hardware).stem}-{Path(workload).stem}")
    headline = ("candidate", "accuracy", "credit_depth", "cycles", "energy_j", "energy_ratio")
    shown = [name for name in table.columns if name not in COLUMNS or name in headline]
    click.echo(table.to_string(index=False, columns=shown))
    click.echo(f"\nsweep: {folder / 'sweep.csv'} ({len(table)} rows), {folder / 'sweep.svg'}")
