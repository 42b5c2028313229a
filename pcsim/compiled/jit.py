"""How a function is compiled: numba without the interpreter's lock, kept on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import numba
from numba import types as types
from numba.extending import overload

import pcsim.compiled.events  # noqa: F401 - tells of compiling from here on
from pcsim.compiled.fingerprint import IMPLEMENTATION
from pcsim.compiled.kept import KernelCache


def jit(function: Callable[..., Any]) -> Any:
    """Compile ``function`` on its first call for each dtype.

    ``error_model="numpy"`` because a division that may raise cannot be vectorised. No fastmath:
    sums keep their order.
    """
    return _compiled(function, inline="never", callable_from_python=True)


def inner(function: Callable[..., Any]) -> Any:
    """As ``jit``, to be called from compiled code only: that halves what compiling a small one takes."""
    return _compiled(function, inline="never", callable_from_python=False)


def inlined(function: Callable[..., Any]) -> Any:
    """As ``jit``, copied into its callers: for one-line views, whose call would cost more than they do."""
    return _compiled(function, inline="always", callable_from_python=True)


def borrowing(function: Callable[..., Any]) -> Any:
    """As ``inner``, for what makes no array: its caller holds all that it is given, so that references need not
    be counted. Counting costs more than the work of a function that looks at a few of many arrays."""
    return _compiled(function, inline="never", callable_from_python=False, counted=False)


def implementing(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """What is decorated chooses, by the types of the arguments, a function that stands for ``function`` in compiled
    code; None for types of which there is none."""

    def known(choice: Callable[..., Any]) -> Any:
        setattr(function, IMPLEMENTATION, choice)
        return overload(function)(choice)

    return known


def _compiled(
    function: Callable[..., Any],
    *,
    inline: Literal["never", "always"],
    callable_from_python: bool,
    counted: bool = True,
) -> Any:
    dispatcher = cast(Any, numba.njit)(
        nogil=True,
        error_model="numpy",
        inline=inline,
        no_cpython_wrapper=not callable_from_python,
        no_cfunc_wrapper=True,  # Nobody calls kernels from C.
        _nrt=counted,
    )(function)
    if not cast(Any, numba.config).DISABLE_JIT:
        dispatcher._cache = KernelCache(function, str(dispatcher.targetoptions))
    return dispatcher
