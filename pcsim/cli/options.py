"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click

HARDWARE = click.argument("hardware")
WORKLOAD = click.argument("workload")
RULE = click.option(
    "--rule",
    type=click.Choice(["pc", "bp", "all"]),
    default="all",
    show_default=True,
    help="Which learning rule to train, time and price.",
)
SET = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change one value of either file, for example tiles.vector.lanes=32. Repeatable.",
)
SEED = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="First seed."
)
OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to write, in place of an earlier report there; default: one of its own in reports.",
)
