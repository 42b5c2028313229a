"""The group of verbs: finds a verb when it is needed, and turns errors into a sentence and an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from pcsim.errors import InputError, PcsimError, Problem


class Door(click.Group):
    """Knows its ``verbs`` by name, with a line about each; imports the module of the one that is asked for.

    What pcsim raises on purpose ends as its message on stderr and its exit code, never as a
    traceback; an interruption ends with exit code 130.
    """

    def __init__(self, *, verbs: Mapping[str, str], **attributes: Any) -> None:
        super().__init__(**attributes)
        self.verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.verbs:
            return None
        command = import_module(f"pcsim.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.verbs and not args[0].startswith("-"):
            close = get_close_matches(args[0], self.verbs, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"verbs: {', '.join(self.verbs)}"
            message = f"VERB must be one that pcsim knows, not {args[0]!r}"
            raise InputError((Problem(message, hint=hint),))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.verbs.items()))

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PcsimError as error:
            click.echo(f"pcsim: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("pcsim: interrupted", err=True)
            ctx.exit(130)
