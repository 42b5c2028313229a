"""How does a long-running kernel pass its arrays on without counting references?

numba counts the owners of an array, atomically, whenever a tuple that holds it is passed on or sliced: a
tenth of a small network's update. The caller of a kernel owns the arrays as long as it runs, so inside it
nobody needs to.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic


def _borrowed(_context, value):
    """An array, or a tuple of arrays and numbers, without its owner: the same memory, counted by nobody.

    Only for arguments of the kernel that calls this, and never to be returned to Python.
    """

    def generate(context, builder, signature, arguments):
        return _without_owner(context, builder, value, arguments[0])

    return value(value), generate


def _without_owner(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The LLVM value with the pointer to the counter set to null, in tuples that of every member."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = context.get_constant_null(types.MemInfoPointer(types.voidptr))
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        members: Any = kind
        for i, member in enumerate(members):
            part = _without_owner(context, builder, member, builder.extract_value(value, i))
            value = builder.insert_value(value, part, i)
    return value


borrowed: Any = intrinsic(_borrowed)
