"""All verbs under one command, for click."""

from __future__ import annotations

import click

from pcsim.cli.door import Door
from pcsim.cli.verbs import QUESTION, VERBS
from pcsim.version import VERSION


@click.group(
    cls=Door,
    verbs=VERBS,
    help=QUESTION,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(VERSION, prog_name="pcsim")
def main() -> None:
    """``pcsim VERB`` and ``python -m pcsim VERB``."""
