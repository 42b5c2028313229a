"""The door: what the command line offers, one module a verb.

A verb's module is imported when it is invoked or its own help is shown, and it imports what is
heavy only inside the command. Results go to stdout, progress and notes to stderr. Exit codes: 0
done, 2 the input is wrong, 3 the simulation failed, 130 interrupted.
"""

from __future__ import annotations

import click

from pcsim import __version__
from pcsim.cli.door import Door, Verb

VERBS = (
    Verb("run", "Train by both rules, time and price both on one chip, and say who wins."),
    Verb("sweep", "Run the whole line at every combination of values; one CSV and one figure."),
    Verb("list", "Name the shipped chips, workloads and technologies."),
)
"""What ``pcsim --help`` lists, in this order; the module ``pcsim.cli.<name>`` holds ``command``."""


@click.group(cls=Door, verbs=VERBS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pcsim")
def main() -> None:
    """What does it cost to learn by predictive coding instead of backpropagation, on your chip?"""
