"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from pcsim.shipped import shipped


class ShippedName(click.ParamType):
    """The name of something of these ``kinds`` that comes along; completes it."""

    name = "name"

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        names = [name for kind in self.kinds for name in shipped(kind)]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class FileOrName(ShippedName):
    """The path of a file, or the name of a shipped one; completes both."""

    name = "file or name"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        names = super().shell_complete(ctx, param, incomplete)
        return names or [CompletionItem(incomplete, type="file")]


class RuleName(click.ParamType):
    """One of these words, or the name of a rule that an extension brings, which only the workload tells."""

    name = "rule"

    def __init__(self, *known: str) -> None:
        self.known = known

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{'|'.join(self.known)}]"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(word) for word in self.known if word.startswith(incomplete)]


HARDWARE = click.argument("hardware", type=FileOrName("hardware"))
WORKLOAD = click.argument("workload", type=FileOrName("workload"))
RULE = click.option(
    "--rule",
    type=RuleName("pc", "bp", "all"),
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
FULL_CREDIT = click.option(
    "--full-credit",
    is_flag=True,
    help="Refuse settings with which some layer learns nothing, as measured (sets pc.full_credit).",
)
FULL = click.option(
    "--full", is_flag=True, help="Print all that is known instead of the first screen."
)
OBJECTIVE = click.option(
    "--objective",
    type=click.Choice(["latency", "energy", "edp", "time_to_target", "energy_to_target"]),
    help="By what a schedule 'best' is chosen; default: as the workload says.",
)

ALLOW_EXTENSIONS = click.option(
    "--allow-extensions",
    is_flag=True,
    help="Run the Python files that the hardware file names under extensions.",
)


def with_flags(
    overrides: tuple[str, ...], *, full_credit: bool, objective: str | None
) -> tuple[str, ...]:
    """``overrides`` and what the flags set, which stands last and so wins."""
    flags = ["pc.full_credit=true"] if full_credit else []
    if objective is not None:
        flags.append(f"objective={objective}")
    return (*overrides, *flags)


RUN = click.Path(path_type=Path)
"""A stored report: its folder or its summary.json."""
