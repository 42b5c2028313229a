"""The verdict for eyes, spreadsheets and papers.

The names below are imported when first used: drawing needs matplotlib, a screen does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcsim.report.console import screen as screen
    from pcsim.report.first_screen import FirstScreen as FirstScreen
    from pcsim.report.folder import check_replaceable as check_replaceable
    from pcsim.report.folder import folder_name as folder_name
    from pcsim.report.folder import write_folder as write_folder
    from pcsim.report.provenance import provenance_of as provenance_of
    from pcsim.report.replace import replace_folder as replace_folder
    from pcsim.report.svg import drawn as drawn
    from pcsim.report.trace import parse_window as parse_window
    from pcsim.report.trace import trace_of as trace_of

_HOME = {
    "FirstScreen": "first_screen",
    "check_replaceable": "folder",
    "drawn": "svg",
    "folder_name": "folder",
    "parse_window": "trace",
    "provenance_of": "provenance",
    "replace_folder": "replace",
    "screen": "console",
    "trace_of": "trace",
    "write_folder": "folder",
}
__all__ = [
    "FirstScreen",
    "check_replaceable",
    "drawn",
    "folder_name",
    "parse_window",
    "provenance_of",
    "replace_folder",
    "screen",
    "trace_of",
    "write_folder",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'pcsim.report' has no attribute {name!r}")
    return getattr(import_module(f"pcsim.report.{_HOME[name]}"), name)
