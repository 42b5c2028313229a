"""The door: what the command line offers, one module a verb.

A verb's module is imported when it is invoked or its own help is shown, and it imports what is
heavy only inside the command. Results go to stdout, progress and notes to stderr. Exit codes: 0
done, 2 the input is wrong, 3 the simulation failed, 130 interrupted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcsim.cli.group import main as main

__all__ = ["main"]


def __getattr__(name: str) -> object:
    if name != "main":
        raise AttributeError(f"module 'pcsim.cli' has no attribute {name!r}")
    from pcsim.cli.group import main

    return main
