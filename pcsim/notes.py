"""What does the user have to hear beside the results? Notes on stderr, one on each topic in a process."""

from __future__ import annotations

import contextlib
import sys
from threading import Lock

_lock = Lock()
_told: set[str] = set()
_silent = False


def tell_once(topic: str, text: str) -> None:
    """Print ``text`` as a note, unless there was a note on this ``topic``."""
    with _lock:
        if _silent or topic in _told:
            return
        _told.add(topic)
    with contextlib.suppress(OSError, ValueError, AttributeError):  # stderr may be closed.
        print(f"note: {text}", file=sys.stderr, flush=True)


def be_silent() -> None:
    """For a worker process: the one that started it meets the same, and tells it."""
    global _silent
    _silent = True
