"""Which copies of the weights does a tile's SRAM keep, beside what a compute unit holds itself?"""

from __future__ import annotations

from dataclasses import replace

from pcsim.config import Hardware, Value
from pcsim.program import Kind, Program
from pcsim.program.ops import Buffer


def fed_back(program: Program) -> frozenset[int]:
    """The layers whose W^T is read: those that pass errors down."""
    return frozenset(op.layer for op in program.ops if op.kind is Kind.PRODUCT_BACKWARD)


def as_kept(program: Program, hardware: Hardware) -> Program:
    """``program`` with room for W^T in every layer that reads it, where the chip needs a second copy; without room
    for W where cells hold it and the optimiser steps a copy of its own."""
    compute, formats = hardware.tiles.compute, hardware.tiles.formats
    buffers = program.buffers
    if compute.analog_errors is not None and formats.master is not None:
        buffers = tuple(buffer for buffer in buffers if buffer.value is not Value.WEIGHT)
    if compute.copies_weights:
        buffers += tuple(
            Buffer("transposed weights", "weight", Value.WEIGHT, layer, "weight")
            for layer in sorted(fed_back(program))
        )
    return replace(program, buffers=buffers)
