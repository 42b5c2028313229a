"""Where is a compiled function kept? One file for each function and types of its arguments.

numba's own cache has an index and a file of code for each function, believes both, and ends a run that cannot
write them; and it does not notice that a function has changed which the kept one calls. Here a file carries a hash of
what it holds and of what it was compiled from, so that whatever
happened to it is noticed; what cannot be read is compiled again, and what cannot be written is not kept.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from pcsim.cache import cache_folder, keep, kept, tell_unusable
from pcsim.compiled.fingerprint import UnknownError, described_types, fingerprint
from pcsim.compiled.known import FOLDER
from pcsim.notes import tell_once

SUFFIX = ".nbi"
_DIGEST_BYTES = hashlib.sha256().digest_size


class KernelCache(_Cache):
    """What a dispatcher of numba, which compiles ``function`` by ``options``, asks for compiled code, and gives
    compiled code to."""

    def __init__(self, function: Callable[..., Any], options: str) -> None:
        self._function, self._options = function, options
        self._folder = cache_folder() / FOLDER
        self._name = f"{function.__module__}.{function.__qualname__}".replace("<", "").replace(
            ">", ""
        )
        self._enabled = True

    @property
    def cache_path(self) -> str:
        return str(self._folder)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function for arguments of the types ``sig``; None where it is not kept, or damaged."""
        target_context.refresh()
        path, subject = self._place(sig, target_context.codegen())
        content = kept(path) if self._enabled and path else None
        if path is None or content is None:
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
        if path is None:
            tell_once(
                self._name, f"{self._name} cannot be kept and is compiled in every run: {subject}"
            )
            return
        code = dumps(data._reduce())
        if not keep(path, _digest(subject, code) + code):
            self._enabled = False

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Nothing waits to be written."""

    @cached_property
    def _compiled_from(self) -> str:
        return f"{fingerprint(self._function)} {self._options}"

    def _place(self, sig: Any, codegen: Any) -> tuple[Path | None, str]:
        """The file for these types on this processor, and a text that says all that the code depends on; None, and why,
        where there can be no file."""
        try:
            asked = repr((described_types(sig), codegen.magic_tuple(), self._compiled_from))
        except UnknownError as error:
            return None, f"nobody knows what {error} depends on"
        name = f"{self._name}.{hashlib.sha256(asked.encode()).hexdigest()[:16]}{SUFFIX}"
        return self._folder / name, f"{self._name} {asked}"


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
