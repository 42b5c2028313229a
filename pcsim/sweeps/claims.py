"""Who computes what, where several processes work on one sweep?

A claim is a record lock on one byte of a file that all processes open: the operating system gives it
up when its process ends, however that ends, so that no claim outlives its owner.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType

from pcsim.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows: nothing is claimed, and what two processes compute is equal.
    fcntl = None  # type: ignore[assignment]

POLL_S = 0.2


class Claims:
    """The claims of this process on the keys of a sweep.

    Its life: opened once for a sweep, closed at its end. No other place of this process may open the
    file, as closing that would give up every claim. Raises OutputError where the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise OutputError(f"{path} could not be written: {error.strerror}") from None

    def __enter__(self) -> Claims:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def take(self, key: str) -> bool:
        """Whether this process may compute what ``key`` names; False while another does."""
        if fcntl is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
        except BlockingIOError:
            return False
        except OSError:  # A file system without locks: the work may be done twice, not wrongly.
            return True
        return True

    def wait(self, key: str) -> None:
        """Return when this process has the claim on ``key``; can be interrupted."""
        while not self.take(key):
            time.sleep(POLL_S)

    def give_up(self, key: str) -> None:
        """Let others have ``key``."""
        if fcntl is not None:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key))


def _place(key: str) -> int:
    """The byte that stands for a key: its first 60 bits, so that no two keys meet."""
    return int(key[:15], 16)
