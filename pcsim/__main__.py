"""``pcsim`` and ``python -m pcsim`` start here."""

from __future__ import annotations

import sys
from shutil import get_terminal_size

from pcsim.cli.ending import ended
from pcsim.cli.streams import prepare
from pcsim.cli.verbs import HELP_COLUMNS, help_page, program


def main() -> None:
    """Show the help at once where that is all that is asked for; else open the door."""
    prepare()
    if code := ended(_command):
        sys.exit(code)


def _command() -> None:
    asked = sys.argv[1:] in (["--help"], ["-h"])
    if asked and get_terminal_size().columns >= HELP_COLUMNS:
        sys.stdout.write(help_page(program()))
        return
    from pcsim.cli import main as door

    door.open()


if __name__ == "__main__":
    main()
