"""numba says when it compiles; this passes it on to whoever shows it.

numba tells of every function, also of those that a kernel calls, one inside the other, and holds a lock while it
compiles: there is one compilation at a time in a process. What is read from the cache is not compiled.
"""

from __future__ import annotations

from typing import Any

from numba.core import event

from pcsim.compiled.listeners import tell


class _Compilations(event.Listener):
    """Tells of outermost compilations."""

    def __init__(self) -> None:
        self._depth = 0

    def on_start(self, _event: Any) -> None:
        self._depth += 1
        if self._depth == 1:
            tell(True)

    def on_end(self, _event: Any) -> None:
        self._depth -= 1
        if not self._depth:
            tell(False)


event.register("numba:compile", _Compilations())
