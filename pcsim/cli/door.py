"""The group of verbs: finds a verb when it is needed, and lets every command end as ``ending.py`` says."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from pcsim.cli.ending import ended
from pcsim.cli.verbs import COMPLETION, program
from pcsim.errors import InputError, Problem


class ExitAsked(RuntimeError):
    """Something inside a verb wanted to end the whole process."""


class Door(click.Group):
    """Knows its ``verbs`` by name, with a line about each; imports the module of the one that is asked for.

    Every error ends as a message on stderr and an exit code, never as a traceback (``ending.py``).
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
        except SystemExit as error:
            raise ExitAsked(f"a library called sys.exit({error.code!r})") from error

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """As click's, but for how a command ends, which ``ended`` decides."""
        if not standalone_mode:
            return super().main(
                args,
                prog_name,
                complete_var,
                False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        sys.exit(ended(lambda: self.open(args, prog_name)))

    def open(self, args: Sequence[str] | None = None, name: str | None = None) -> None:
        """Do what ``args`` ask for, by default those of this process; whatever goes wrong is raised."""
        given = _given() if args is None else list(args)
        name = name or program()
        if instruction := os.environ.get(COMPLETION):
            from click.shell_completion import shell_complete

            raise click.exceptions.Exit(shell_complete(self, {}, name, COMPLETION, instruction))
        with self.make_context(name, given) as ctx:
            self.invoke(ctx)


def _given() -> list[str]:
    """The arguments of this process. The shell of Windows leaves it to programs to expand ``*``."""
    given = sys.argv[1:]
    if os.name != "nt":
        return given
    from click.utils import _expand_args

    return _expand_args(given)
