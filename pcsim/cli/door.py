"""The group of verbs: finds a verb when it is needed, and turns errors into a sentence and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import click

from pcsim.errors import PcsimError


class Verb(NamedTuple):
    """A verb and the line about it in the list of all; the module ``pcsim.cli.<name>`` is the verb."""

    name: str
    summary: str


class Door(click.Group):
    """Knows its verbs by name and summary; imports the module of the one that is asked for.

    What pcsim raises on purpose ends as its message on stderr and its exit code, never as a
    traceback; an interruption ends with exit code 130.
    """

    def __init__(self, *, verbs: Sequence[Verb] = (), **attributes: Any) -> None:
        super().__init__(**attributes)
        self.verbs = {verb.name: verb for verb in verbs}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.verbs:
            return None
        command = import_module(f"pcsim.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb.name, verb.summary) for verb in self.verbs.values()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PcsimError as error:
            click.echo(f"pcsim: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("pcsim: interrupted", err=True)
            ctx.exit(130)
