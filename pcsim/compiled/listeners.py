"""Who wants to know when kernels are being compiled? Those who show it say so here, those who compile tell.

Compiling takes longer than most runs, happens once per machine and version of pcsim, and in the middle of whatever
called a kernel first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[bool], None]
"""Called with True when compiling begins and with False when it ends, in the thread that compiles."""

_listeners: list[Listener] = []


@contextmanager
def told(listener: Listener) -> Iterator[None]:
    """``listener`` is told of all compiling while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell(begins: bool) -> None:
    """For those who compile."""
    for listener in tuple(_listeners):
        listener(begins)
