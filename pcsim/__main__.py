"""``pcsim`` and ``python -m pcsim`` start here."""

from __future__ import annotations

import sys
from shutil import get_terminal_size

from pcsim.cli.verbs import HELP_COLUMNS, help_page


def main() -> None:
    """Show the help at once where that is all that is asked for; else open the door."""
    asked = sys.argv[1:] in (["--help"], ["-h"])
    if asked and get_terminal_size().columns >= HELP_COLUMNS:
        as_module = sys.argv[0].endswith("__main__.py")
        sys.stdout.write(help_page("python -m pcsim" if as_module else "pcsim"))
        return
    from pcsim.cli import main as door

    door()


if __name__ == "__main__":
    main()
