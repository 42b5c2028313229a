"""``pcsim search``: the configurations worth having, without training them all."""

from __future__ import annotations

from pathlib import Path

import click

from pcsim.cli.ending import written
from pcsim.cli.options import ALLOW_EXTENSIONS, OUTPUT, SEED, SET, RuleName
from pcsim.cli.progress import show_progress
from pcsim.cli.sweep import CLUSTER, FILES, JOBS, axis_options, plan_of, tell_damaged
from pcsim.errors import Interrupted


@click.command("search")
@FILES
@axis_options
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="WHAT<=BOUND",
    help="Keep to a bound on energy, latency, area or accuracy: 'latency<=100 us'. Repeatable.",
)
@click.option(
    "--screen",
    type=click.IntRange(min=1, max=1_000_000),
    default=4000,
    show_default=True,
    help="Time a space of so many points as a whole, and so many of a larger one.",
)
@click.option(
    "--evaluations",
    type=click.IntRange(min=1),
    help="Train at most so many; default: all that matter.",
)
@click.option("--timing-only", is_flag=True, help="Train nothing: accuracy does not count.")
@click.option(
    "--rule",
    type=RuleName("pc", "bp"),
    default="pc",
    show_default=True,
    help="The learning rule to find configurations for.",
)
@SET
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
    limits: tuple[str, ...],
    screen: int,
    evaluations: int | None,
    timing_only: bool,
    rule: str,
    overrides: tuple[str, ...],
    seed: int,
    allow_extensions: bool,
    output: Path | None,
    jobs: int | None,
    cluster: str | None,
) -> None:
    """Find the Pareto front of energy, latency, area and accuracy.

    All points are timed first, or of many those that optuna's NSGA-II breeds; then only those are
    trained that can be on the front: of points that learn alike, the front of the other three. For
    example: pcsim search tile64 digits --axis pc.steps=1..8 --axis "tiles.vector.lanes=4..64 x2"
    """
    from loky import cpu_count

    from pcsim.search import parse_limits, search
    from pcsim.search.output import folder_of, screen_text, write_found
    from pcsim.search.search import check
    from pcsim.sweeps import open_store

    tell = show_progress()
    tell("plan")
    bounds = parse_limits(limits)
    plan = plan_of(
        files,
        axes=axes,
        zips=zips,
        conditions=conditions,
        overrides=overrides,
        rule=rule,
        seed=seed,
        timing_only=timing_only,
        allow_extensions=allow_extensions,
    )
    check(plan, bounds)
    store = open_store(output or folder_of(plan, limits, screen))
    try:
        found = search(
            plan,
            store,
            limits=bounds,
            screen=screen,
            evaluations=evaluations,
            jobs=jobs or cpu_count(),
            cluster=cluster,
            training=tell.counting("updates", stage="train"),
            progress=tell.counting("points", stage="points"),
        )
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; what was timed and trained is kept in {store.folder}; "
            "the same command goes on from there"
        ) from None
    tell("report")
    tell_damaged(store)
    write_found(plan, found, store)
    written(f"the front and the report are in {store.folder}")
    tell.stop()
    click.echo(screen_text(plan, found))
    click.echo(
        f"\nfront: {store.folder / 'front.csv'}, all that was timed: {store.folder / 'search.csv'}"
    )
    if found.points:
        click.echo(f"report: {store.folder / 'report.html'}")
