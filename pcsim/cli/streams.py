"""What pcsim prints goes through here: no console, and none that is gone, ends a command.

What the console's encoding lacks is replaced (letters.py). What the other end does not take, because
a pipe was closed or a disk is full, is dropped, and remembered for the command's end (ending.py).
"""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
from typing import TextIO

from pcsim.cli.letters import ASCII, CLOSEST


class Outlet(io.FileIO):
    """A file descriptor that takes all bytes: once one write has failed, all are dropped.

    ``failure`` is the error of that write.
    """

    failure: OSError | None = None

    def write(self, data: object, /) -> int:
        left = memoryview(data).cast("B")  # type: ignore[arg-type]
        whole = len(left)
        while self.failure is None and left:
            try:
                taken = super().write(left)
                if taken is None:  # A pipe that does not block, and is full.
                    select.select([], [self], [])
                    continue
                left = left[taken:]
            except OSError as error:
                self.failure = error
        return whole


def prepare() -> None:
    """Set up standard output and error of this process. Called once, before anything is printed."""
    _open_what_is_closed()
    sys.stdout = fitted(sys.stdout, 1)
    sys.stderr = fitted(sys.stderr, 2)


def fitted(stream: TextIO | None, number: int) -> TextIO:
    """``stream`` such that writing text to it raises neither UnicodeError nor, on a file or pipe, OSError.

    None stands for a descriptor that was closed when Python started; it is ``number`` by now.
    """
    if stream is None:
        return io.TextIOWrapper(
            io.BufferedWriter(Outlet(number, "w", closefd=False)), "utf-8", CLOSEST
        )
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    encoding = ASCII if codecs.lookup(stream.encoding).name == "ascii" else stream.encoding
    raw = getattr(stream.buffer, "raw", stream.buffer)
    if type(raw) is not io.FileIO:  # The console of Windows.
        stream.reconfigure(encoding=encoding, errors=CLOSEST)
        return stream
    stream.flush()
    outlet = Outlet(raw.fileno(), "w", closefd=False)
    unbuffered = raw is stream.buffer
    return io.TextIOWrapper(
        outlet if unbuffered else io.BufferedWriter(outlet),
        encoding,
        CLOSEST,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def failure_of(stream: TextIO | None) -> OSError | None:
    """Why ``stream`` did not take all that was written to it; None where it did, or nobody knows."""
    if stream is None:
        return None
    try:
        stream.flush()
    except OSError as error:
        return error
    except ValueError:  # Somebody closed it.
        return None
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    return raw.failure if isinstance(raw, Outlet) else None


def _open_what_is_closed() -> None:
    """Let nothing that is opened later become standard input, output or error by chance."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
