"""Which report was written last? ``last`` stands for it wherever a report is asked for.

Its folder is noted in the cache folder. Where nothing is noted, or what was noted is gone, the newest report in
``reports`` of the working folder is taken.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from pcsim.cache import cache_folder, keep, kept
from pcsim.errors import InputError, Problem

LAST = "last"


def note(folder: Path) -> None:
    """Remember ``folder`` as the report written last; where nothing can be kept, nothing is."""
    keep(_noted(), str(folder.absolute()).encode("utf-8", "surrogateescape"))


def is_report(folder: Path) -> bool:
    """Whether there is a report, which may also be named by its summary.json."""
    with contextlib.suppress(OSError, ValueError):
        return folder.name == "summary.json" or (folder / "summary.json").is_file()
    return False


def resolved(reference: Path) -> Path:
    """The folder that ``reference`` names: itself, unless it is ``last`` and no report has that name.

    Raises:
        InputError: no report was written yet.
    """
    if str(reference) != LAST or is_report(reference):
        return reference
    noted = kept(_noted())
    if noted is not None:
        folder = Path(noted.decode("utf-8", "surrogateescape"))
        if is_report(folder):
            return folder
    with contextlib.suppress(OSError):
        reports = [path for path in Path("reports").glob("*/summary.json") if path.is_file()]
        if reports:
            return max(reports, key=lambda path: (path.stat().st_mtime, str(path))).parent
    message = "there is no last report: none was written here, or it is gone"
    raise InputError((Problem(message, hint="pcsim run writes one"),))


def _noted() -> Path:
    return cache_folder() / "last-report"
