"""``pcsim new``: a commented file to start from."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import click

from pcsim.cli.options import ShippedName
from pcsim.errors import InputError, OutputError, Problem
from pcsim.shipped import shipped


@click.command("new")
@click.argument("name")
@click.option(
    "--hardware", type=ShippedName("hardware"), help="Copy this shipped chip. [default: tile64]"
)
@click.option(
    "--workload", type=ShippedName("workload"), help="Copy this shipped workload instead."
)
def command(name: str, hardware: str | None, workload: str | None) -> None:
    """Write NAME.yaml here: a copy of a shipped file, comments and all, under the name NAME.

    A file that is there already is left as it is.
    """
    if hardware and workload:
        raise InputError((Problem("--hardware and --workload must not be given together"),))
    kind, base = ("workload", workload) if workload else ("hardware", hardware or "tile64")
    path = Path(f"{name}.yaml")
    write_new(path, named(source_of(base, kind=kind), name))
    try_it = f"tile64 {path}" if workload else f"{path} mlp128"
    click.echo(f"{path}: a copy of {base}; try: pcsim run {try_it}")


def source_of(base: str, *, kind: str) -> str:
    """The text of the shipped file ``base``. Raises InputError when none has that name."""
    from pcsim.config.fields import did_you_mean

    known = shipped(kind)
    if base not in known:
        message = f"--{kind} must be one of {', '.join(known)}, not {base!r}"
        raise InputError((Problem(message, hint=did_you_mean(base, known)),))
    return known[base].read_text(encoding="utf-8")


def named(text: str, name: str) -> str:
    """A shipped file under another name. Raises InputError when ``name`` cannot be one."""
    from pcsim.config.fields import NAME_SHAPE, is_name

    if not is_name(name):
        raise InputError((Problem(f"NAME must be {NAME_SHAPE}, not {name!r}"),))
    if name in (*shipped("hardware"), *shipped("workload")):
        message = f"NAME must not be the name of a shipped file, as {name!r} is"
        raise InputError((Problem(message, hint="two of one name could not be told apart"),))
    return re.sub(r"^name: .*$", f"name: {name}", text, count=1, flags=re.MULTILINE)


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all.

    Raises InputError when something of that name is there, or nothing can be written; OutputError when the disk
    is full.
    """
    from pcsim import writing

    try:
        fresh = writing.unique(path.parent)
        try:
            writing.write_new(fresh, text.encode())
            _put_in_place(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
        writing.sync_folder(path.parent)
    except FileExistsError:
        message = f"{path} must not be there yet"
        raise InputError((Problem(message, hint="choose another name, or remove it"),)) from None
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(f"{path} could not be written ({reason}); it is not there") from None
        raise InputError((Problem(f"{path} must be writable ({reason})"),)) from None


def _put_in_place(fresh: Path, path: Path) -> None:
    """Give a file its name; what has that name already is left alone: FileExistsError."""
    if os.path.lexists(path):
        raise FileExistsError
    try:
        os.link(fresh, path)
    except FileExistsError:
        raise
    except OSError:  # A file system without links.
        fresh.rename(path)
