"""Where is a compiled function kept? One file for each function and types of its arguments.

numba's own cache has an index and a file of code for each function, believes both, and ends a run that cannot
write them. Here a file carries a hash of what it holds and of what it was compiled from, so that whatever
happened to it is noticed; what cannot be read is compiled again, and what cannot be written is not kept.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from pcsim.engine.cache import keep, kept, tell_unusable

SUFFIX = ".nbi"
_DIGEST_BYTES = hashlib.sha256().digest_size


class KernelCache(_Cache):
    """What a dispatcher of numba asks for compiled code, and gives compiled code to.

    The compiled forms of ``function`` lie in ``folder``.
    """

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        code = function.__code__
        source = Path(code.co_filename)
        python = f"py{sys.version_info[0]}{sys.version_info[1]}{getattr(sys, 'abiflags', '')}"
        name = f"{source.stem}.{function.__qualname__}".replace("<", "").replace(">", "")
        beside = hashlib.sha256(str(source.parent).encode()).hexdigest()[:16]
        self._folder = folder / f"{source.parent.name}_{beside}"
        self._base = f"{name}-{code.co_firstlineno}.{python}"
        cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
        self._bytecode = hashlib.sha256(code.co_code + (dumps(cells) if cells else b"")).hexdigest()
        self._enabled = True

    @property
    def cache_path(self) -> str:
        return str(self._folder)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function for arguments of the types ``sig``; None where it is not kept, or damaged."""
        target_context.refresh()
        path, subject = self._place(sig, target_context.codegen())
        content = kept(path) if self._enabled else None
        if content is None:
            return None
        if not _trusted(path):
            tell_unusable(path, "belongs to another user")
            return None
        digest, code = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if digest != _digest(subject, code):
            tell_unusable(path)
            return None
        try:
            return CompileResult._rebuild(target_context, *pickle.loads(code))
        except Exception:  # The code is what was kept, but this numba cannot take it up.
            tell_unusable(path, "cannot be loaded")
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled function; after the first that cannot be written, no other is tried."""
        if not self._enabled or data.library.has_dynamic_globals or data.lifted:
            return
        path, subject = self._place(sig, data.codegen)
        code = dumps(data._reduce())
        if not keep(path, _digest(subject, code) + code):
            self._enabled = False

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Nothing waits to be written."""

    def _place(self, sig: Any, codegen: Any) -> tuple[Path, str]:
        """The file for these types on this processor, and a text that says all that it depends on."""
        asked = repr((sig, codegen.magic_tuple(), self._bytecode))
        name = f"{self._base}.{hashlib.sha256(asked.encode()).hexdigest()[:16]}{SUFFIX}"
        return self._folder / name, f"{self._folder.parent.name} {self._base} {asked}"


def _digest(subject: str, code: bytes) -> bytes:
    return hashlib.sha256(subject.encode() + b"\0" + code).digest()


def _trusted(path: Path) -> bool:
    """Whether the file is this user's or the administrator's: whose code it holds, that code is run."""
    if os.name != "posix":
        return True
    try:
        return path.stat().st_uid in (os.geteuid(), 0)
    except OSError:
        return False
