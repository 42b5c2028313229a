"""``pcsim sweep``: the whole line many times."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pcsim.cli.ending import written
from pcsim.cli.options import (
    ALLOW_EXTENSIONS,
    FULL_CREDIT,
    OBJECTIVE,
    OUTPUT,
    RULE,
    SEED,
    SET,
    FileOrName,
    with_flags,
)
from pcsim.cli.progress import show_progress
from pcsim.errors import InputError, Interrupted, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pcsim.sweeps import Point, SweepPlan
    from pcsim.sweeps.evaluate import Row
    from pcsim.sweeps.store import Store

Command = TypeVar("Command", bound="Callable[..., Any]")

SHOWN_ROWS = 40
"""Of a table on the screen; of a longer one the front is shown."""


def axis_options(command: Command) -> Command:
    """The options that describe axes."""
    for option in (
        click.option(
            "--when",
            "conditions",
            multiple=True,
            metavar="'PATH if PATH=V,...'",
            help="Take an axis only where an earlier one has certain values. Repeatable.",
        ),
        click.option(
            "--zip",
            "zips",
            multiple=True,
            metavar="PATH,PATH",
            help="Axes that go together, value by value. Repeatable.",
        ),
        click.option(
            "--axis",
            "axes",
            multiple=True,
            metavar="PATH=V1,V2,...",
            help="A value of either file and what to try for it: values and ranges such as 1..5, "
            "1..64 x2, 8..64 +8 KiB. Repeat for a grid.",
        ),
    ):
        command = option(command)
    return command


JOBS = click.option("--jobs", type=click.IntRange(min=1), help="Processes; default all cores.")
CLUSTER = click.option(
    "--cluster", metavar="tcp://HOST:PORT", help="Work on the Dask cluster with this scheduler."
)
FILES = click.argument(
    "files",
    metavar="HARDWARE WORKLOAD | SWEEP.yaml",
    type=FileOrName("hardware", "workload"),
    nargs=-1,
    required=True,
)


@click.command("sweep")
@FILES
@axis_options
@click.option(
    "--timing-only",
    is_flag=True,
    help="Train nothing: accuracy stays unknown, PC's inference steps are those of the file.",
)
@click.option("--dry-run", is_flag=True, help="Print how many points, and about how long.")
@click.option(
    "--shard", metavar="K/N", help="Do the K-th of N parts; all may share one folder, named by -o."
)
@RULE
@SET
@OBJECTIVE
@FULL_CREDIT
@SEED
@ALLOW_EXTENSIONS
@OUTPUT
@JOBS
@CLUSTER
def command(
    files: tuple[str, ...],
    axes: tuple[str, ...],
    zips: tuple[str, ...],
    conditions: tuple[str, ...],
    timing_only: bool,
    dry_run: bool,
    shard: str | None,
    rule: str,
    overrides: tuple[str, ...],
    objective: str | None,
    full_credit: bool,
    seed: int,
    allow_extensions: bool,
    output: Path | None,
    jobs: int | None,
    cluster: str | None,
) -> None:
    """Run the whole line at every combination of values; a table, figures and a report.

    For example: pcsim sweep tile64 mlp128 --axis pc.steps=1,3,10 --axis "noc.link=8..64 x2 B/cycle".
    All may stand in a file instead: pcsim sweep mysweep.yaml. Results are kept point by point: the
    same command goes on where a stopped one was, and several may work on one folder at once.
    """
    from loky import cpu_count

    from pcsim.sweeps import parse_shard, points_of
    from pcsim.sweeps.plan import count_up_to
    from pcsim.sweeps.workers import started

    tell = show_progress()
    tell("plan")
    part = parse_shard(shard) if shard else None
    plan = plan_of(
        files,
        axes=axes,
        zips=zips,
        conditions=conditions,
        overrides=with_flags(overrides, full_credit=full_credit, objective=objective),
        rule=rule,
        seed=seed,
        timing_only=timing_only,
        allow_extensions=allow_extensions,
    )
    processes = jobs or cpu_count()
    with started(1 if dry_run or cluster is not None else count_up_to(plan, processes)):
        points = points_of(plan)
    if dry_run:
        from pcsim.cli.forecast import forecast

        tell("estimate")
        lines = forecast(plan, points, output, jobs=processes)
        tell.stop()
        click.echo("\n".join(lines))
        return
    from pcsim.sweeps import default_folder, open_store, run_points, write_output
    from pcsim.sweeps.output import write_plan

    gc.freeze()  # What is imported stays; looking for garbage in it takes longer than a small point.
    store = open_store(output or default_folder(plan, points))
    write_plan(plan, points, store)

    def stage(name: str) -> None:
        if name == "simulate":  # Training tells for itself; where all is stored there is none.
            tell("points")

    try:
        results = run_points(
            points,
            plan,
            store,
            jobs=processes,
            cluster=cluster,
            shard=part,
            stage=stage,
            training=tell.counting("updates", stage="train"),
            progress=tell.counting("points", stage="points"),
        )
    except KeyboardInterrupt:
        kept = sum(store.path(key).exists() for key in {point.key for point in points})
        raise Interrupted(
            f"interrupted; {kept:,} of {len(points):,} points are kept in {store.folder}; "
            "the same command goes on from there"
        ) from None
    tell("report")
    tell_damaged(store)
    known: list[list[Row]] = [rows for rows in results if rows is not None]
    if len(known) < len(points):
        tell.stop()
        click.echo(
            f"{len(known):,} of {len(points):,} points are in {store.folder}; "
            "the table is written by the part that ends last"
        )
        return
    table = write_output(plan, points, known, store)
    written(f"the table and the report are in {store.folder}")
    tell.stop()
    show(plan, points, table, store)


def plan_of(
    files: Sequence[str],
    *,
    axes: Sequence[str],
    zips: Sequence[str],
    conditions: Sequence[str],
    overrides: Sequence[str],
    rule: str,
    seed: int,
    timing_only: bool,
    allow_extensions: bool = False,
) -> SweepPlan:
    """What arguments and options ask for; those of a sweep file come first.

    Raises:
        InputError: every mistake in the file, or in the options.
    """
    from dataclasses import replace

    from pcsim.sweeps import Setting, SweepPlan, parse_groups, read_plan

    if len(files) not in (1, 2):
        said = f"there must be HARDWARE and WORKLOAD, or one sweep file, not {len(files)} files"
        raise InputError((Problem(said),))
    groups = parse_groups(axes, zips=zips, conditions=conditions)
    settings = tuple(Setting(text) for text in overrides)
    if len(files) == 2:
        if not groups:
            said = "--axis must be given at least once"
            raise InputError((Problem(said, hint="for example --axis pc.steps=1,3,10"),))
        return SweepPlan(
            files[0], files[1], groups, settings, rule, seed, timing_only, allow_extensions
        )
    _, plan = read_plan(Path(files[0]))
    return replace(
        plan,
        groups=plan.groups + groups,
        settings=plan.settings + settings,
        rule=plan.rule if rule == "all" else rule,
        seed=seed or plan.seed,
        timing_only=timing_only or plan.timing_only,
        allow_extensions=allow_extensions,
    )


def tell_damaged(store: Store) -> None:
    """Name the results that were found damaged."""
    for path in store.damaged:
        click.echo(f"note: {path} was damaged and was computed again", err=True)


def show(plan: SweepPlan, points: Sequence[Point], rows: Sequence[Row], store: Store) -> None:
    """The table for eyes, or of a long one its front, and where all of it lies."""
    from pcsim.sweeps.report.front import front_of
    from pcsim.sweeps.table import frame_of

    some = list(rows) if len(rows) <= SHOWN_ROWS else front_of(rows)
    headline = ("candidate", "accuracy", "cycles", "energy_j", "area_mm2", "energy_ratio")
    shown = [*plan.paths, *headline]
    if plan.timing_only:
        click.echo("timing only: nothing was trained, PC's inference steps are those of the file\n")
        shown.remove("accuracy")
    if len(some) < len(rows):
        click.echo(f"the Pareto fronts of {len(rows):,} rows:\n")
    click.echo(frame_of(some[:SHOWN_ROWS], plan.paths).to_string(index=False, columns=shown))
    if len(some) > SHOWN_ROWS:
        click.echo(f"and {len(some) - SHOWN_ROWS:,} rows more in front.csv")
    failed = sum(bool(row["error"]) for row in rows)
    if failed:
        click.echo(f"\n{failed:,} of {len(rows):,} rows have no numbers; column error says why")
    click.echo(
        f"\nsweep: {store.folder / 'sweep.csv'} ({len(rows):,} rows of {len(points):,} points)"
    )
    click.echo(f"report: {store.folder / 'report.html'}")
