"""Which verbs are there? Known without click, so that the first page of help appears at once.

Importing click takes three times as long as starting an interpreter that does nothing.
"""

from __future__ import annotations

import sys

QUESTION = (
    "What does it cost to learn by predictive coding instead of backpropagation, on your chip?"
)

VERBS = {
    "run": "Train, time and price both rules on one chip; say who wins.",
    "sweep": "Do so at every combination of values; a table and a report.",
    "search": "Find the Pareto front of many, training few of them.",
    "experiment": "Measure what theory says of predictive coding, in seconds.",
    "tune": "Find settings of both rules with the same number of trainings.",
    "check": "Tell whether files are right, fit each other, and how long.",
    "report": "Show a stored run again, or several side by side.",
    "explain": "Show where a number of a stored run comes from.",
    "list": "Name the shipped chips, workloads and technologies.",
    "new": "Write a commented file to start from.",
    "technology": "Print a technology: every cost with its source.",
    "schema": "Print the JSON Schema of a file, for editors.",
    "doctor": "Tell whether this installation works.",
    "completion": "Print the script that completes words in a shell.",
}
"""Every verb in the order of the help; the module ``pcsim.cli.<verb>`` holds it as ``command``."""

COMPLETION = "_PCSIM_COMPLETE"
"""The environment variable by which a shell asks for words: click's own name for it."""

HELP_COLUMNS = 80
"""What ``help_page`` needs; on a narrower terminal click wraps its lines."""


def program() -> str:
    """What this program was called as."""
    return "python -m pcsim" if sys.argv[0].endswith("__main__.py") else "pcsim"


def help_page(program: str) -> str:
    """The page that click makes of ``pcsim --help``, to the letter."""
    wide = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{wide}}  {summary}" for name, summary in VERBS.items())
    first, last = QUESTION.rsplit(" on ", 1)
    return f"""\
Usage: {program} [OPTIONS] COMMAND [ARGS]...

  {first}
  on {last}

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

Commands:
{verbs}
"""
