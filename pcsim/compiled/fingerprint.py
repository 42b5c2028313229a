"""From what is a kernel compiled? From itself, all that it calls, and the constants that they read.

Numba compiles what a function calls into the function and remembers neither. So the fingerprint of a kernel covers the
bytecode of every function that can be reached from it by the names that they use, and the values of all
other names: a change in one of them gives another fingerprint, a change anywhere else the same. Comments,
documentation and line numbers are not in it. What this module does not know has no fingerprint, and a kernel that uses
it is compiled in every process rather than taken for what it is not.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable
from functools import cache
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.core import sigutils, types
from numba.core.dispatcher import Dispatcher
from numba.core.extending import _Intrinsic

from pcsim.cache import library_versions

IMPLEMENTATION = "compiled_as"
"""The attribute by which a function of Python names what stands for it in compiled code."""
_LIBRARIES = {"builtins", "llvmlite", "math", "numba", "numpy", "typing"}
_CONSTANTS = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))

_TOLD_BY_NAME = (
    types.Number, types.Boolean, types.NoneType, types.Omitted, types.UnicodeType, types.Literal, types.Record,
)  # fmt: skip
"""Types whose names say all of them; that of a record has its fields."""


class UnknownError(Exception):
    """Something that a kernel uses, or is given, of which nobody can say here what it depends on."""


def fingerprint(function: Callable[..., Any]) -> str:
    """A hash of all that ``function`` is compiled from, the libraries included.

    To be asked for when the kernel is called, not before: names may be bound after it.

    Raises:
        UnknownError: it uses what has no fingerprint.
    """
    python = (sys.implementation.cache_tag, getattr(sys, "abiflags", ""))
    digest = hashlib.sha256(repr((python, library_versions())).encode())
    waiting, met = [function], set()
    while waiting:
        each = waiting.pop()
        if each not in met:
            met.add(each)
            text, called = _own(each)
            digest.update(hashlib.sha256(text.encode()).digest())
            waiting += called
    return digest.hexdigest()


def described_types(signature: Any) -> str:
    """The types of a call, the names of tuples' members included, by which compiled code finds them.

    Raises:
        UnknownError: one of them is of a kind whose name does not tell all.
    """
    arguments, returned = sigutils.normalize_signature(signature)
    return ", ".join(_type(kind) for kind in (*arguments, returned))


def _type(kind: Any) -> str:
    if isinstance(kind, types.BaseTuple):
        fields = ", ".join(getattr(kind, "fields", ()))
        inside: Any = kind
        return f"{type(kind).__name__}[{fields}]({', '.join(_type(member) for member in inside)})"
    plain: Any = kind.dtype if isinstance(kind, types.Array) else kind
    if kind is None or isinstance(plain, _TOLD_BY_NAME):
        return repr(kind)
    raise UnknownError(kind)


@cache
def _own(function: Any) -> tuple[str, tuple[Any, ...]]:
    """What one function says itself, and the functions that it names."""
    called: list[Any] = []
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    said = (
        f"{function.__module__}.{function.__qualname__}",
        _code(function.__code__, function.__doc__),
        [_value(value, called) for value in (*cells, function.__defaults__)],
        [f"{name} = {_value(value, called)}" for name, value in _named(function)],
    )
    return repr(said), tuple(called)


def _code(code: CodeType, documentation: str | None) -> tuple[Any, ...]:
    """All of a code object that is compiled. Python puts the documentation before the other constants."""
    constants = code.co_consts
    if documentation is not None and constants[:1] == (documentation,):
        constants = constants[1:]
    return (
        code.co_code.hex(),
        [_code(c, None) if isinstance(c, CodeType) else _constant(c) for c in constants],
        (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags),
        code.co_exceptiontable.hex(),
    )


def _named(function: Any) -> Iterable[tuple[str, Any]]:
    """The names of the module that a function and those written inside it use, with their values."""
    waiting, met = [function.__code__], dict[str, Any]()
    while waiting:
        code = waiting.pop()
        met |= {n: function.__globals__[n] for n in code.co_names if n in function.__globals__}
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return met.items()


def _value(value: Any, called: list[Any]) -> str:
    """What a value says; a function only who it is, and that it is ``called``."""
    if isinstance(value, Dispatcher):
        called.append(value.py_func)
        return f"compiled {value.targetoptions} {value.py_func.__qualname__}"
    if isinstance(value, _Intrinsic):
        called.append(value._defn)
        return f"intrinsic {value._defn.__qualname__}"
    if isinstance(value, tuple):
        members = ", ".join(_value(member, called) for member in value)
        return f"{type(value).__qualname__}{getattr(value, '_fields', '')}({members})"
    if isinstance(value, np.ndarray):
        layout = (value.dtype.str, value.shape, value.strides)
        return f"array {layout} {hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, type) and issubclass(value, tuple) and hasattr(value, "_fields"):
        return f"class {value.__qualname__}{value._fields}"
    if isinstance(value, ModuleType | FunctionType | BuiltinFunctionType | type | np.ufunc):
        return _by_name(value, called)
    return _constant(value)


def _by_name(value: Any, called: list[Any]) -> str:
    """What a library has under a name, whose version says the rest; and functions of others."""
    module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
    if isinstance(value, np.ufunc) or (module or "").split(".")[0] in _LIBRARIES:
        return f"{module} {getattr(value, '__qualname__', value.__name__)}"
    if isinstance(value, FunctionType):
        called += [value, getattr(value, IMPLEMENTATION, value)]
        return f"function {value.__qualname__}"
    raise UnknownError(value)


def _constant(value: Any) -> str:
    if isinstance(value, tuple | frozenset):
        members = [_constant(member) for member in value]
        return (
            f"{type(value).__name__} {sorted(members) if isinstance(value, frozenset) else members}"
        )
    if type(value) in _CONSTANTS or isinstance(value, np.generic):
        return f"{type(value).__name__} {value!r}"
    raise UnknownError(value)
