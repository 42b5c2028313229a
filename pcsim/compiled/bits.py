"""The bits of a float, for compiled code: to integer and back, and a sign put on a magnitude.

These are single instructions, which loops around them can turn into vectors.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def _bits_of(_context, x):
    """The bits of a float32 as int32, of a float64 as int64."""
    if x not in (types.float32, types.float64):
        return None
    result = types.int32 if x == types.float32 else types.int64

    def generate(context, builder, _signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(result))

    return result(x), generate


def _float_of(_context, bits):
    """The float64 of these 64 bits."""
    if bits != types.int64:
        return None

    def generate(context, builder, _signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(bits), generate


def _with_sign(_context, magnitude, sign):
    """The float64 ``magnitude`` with the sign of ``sign``, that of a zero included."""
    if magnitude != types.float64 or sign != types.float64:
        return None

    def generate(context, builder, _signature, arguments):
        double = context.get_value_type(types.float64)
        shape = ir.FunctionType(double, [double, double])
        copysign = builder.module.declare_intrinsic("llvm.copysign", [double], shape)
        return builder.call(copysign, arguments)

    return types.float64(magnitude, sign), generate


bits_of: Any = intrinsic(_bits_of)
float_of: Any = intrinsic(_float_of)
with_sign: Any = intrinsic(_with_sign)
