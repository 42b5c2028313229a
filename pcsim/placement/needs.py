"""What does a part of a layer need of its tile: bytes of SRAM, and blocks inside the compute unit?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pcsim.config import ComputeUnit, Formats, Value
from pcsim.placement.blocks import Blocks
from pcsim.placement.groups import Split
from pcsim.program import Program
from pcsim.program.ops import Buffer


@dataclass(frozen=True)
class LayerNeeds:
    """All that decides how a layer can be cut, whichever layer it is: equal ones are cut alike."""

    n_in: int
    n_out: int
    batch: int
    feedback: bool
    buffers: tuple[Buffer, ...]
    formats: Formats

    @classmethod
    def of(cls, program: Program, layer: int, formats: Formats) -> LayerNeeds:
        buffers = tuple(replace(buffer, layer=0) for buffer in program.buffers_of(layer))
        widths = program.widths[layer - 1], program.widths[layer]
        return cls(*widths, program.batch, program.has_feedback, buffers, formats)

    def bytes_of(self, inputs: int, outputs: int, *, owner: bool, parts: Split) -> dict[str, int]:
        """Bytes of a slice ``inputs`` wide and ``outputs`` wide, by kind of buffer: each packed, in whole bytes.

        Besides the program's buffers a split layer keeps room for one arriving partial sum.
        """
        size = {
            "weight": inputs * outputs,
            "in": self.batch * inputs,
            "out": self.batch * outputs,
            "unit": outputs,
        }
        kept: dict[str, int] = {}
        for buffer in self.buffers:
            if owner or not buffer.owner:
                one = self.formats.of(buffer.value).storage_bytes(size[buffer.axis])
                kept[buffer.kind] = kept.get(buffer.kind, 0) + buffer.copies * one
        arriving = 0
        if parts.inputs > 1:
            arriving = max(arriving, size["out"])
        if parts.outputs > 1 and self.feedback:
            arriving = max(arriving, size["in"])
        if arriving:
            kept["partial sums"] = self.formats.of(Value.ACCUMULATE).storage_bytes(arriving)
        return kept

    def largest_bytes(self, parts: Split) -> int:
        """Bytes kept by the fullest tile when the layer is cut into ``parts``."""
        inputs, outputs = -(-self.n_in // parts.inputs), -(-self.n_out // parts.outputs)
        return sum(self.bytes_of(inputs, outputs, owner=True, parts=parts).values())


@dataclass(frozen=True)
class Room:
    """What one tile offers: SRAM, None if unlimited, and ``blocks`` of a ``unit`` that keeps weights itself.

    ``both_ways``: the layer's W^T is read, too.
    """

    sram_bytes: int | None
    unit: ComputeUnit | None = None
    blocks: int = 0
    both_ways: bool = False

    @classmethod
    def of(cls, layer: int, sram_bytes: int | None, blocks: Blocks | None) -> Room:
        if blocks is None:
            return cls(sram_bytes)
        return cls(sram_bytes, blocks.compute, blocks.available, layer in blocks.fed_back)

    def holds(self, needs: LayerNeeds, parts: Split) -> bool:
        """Whether there is room for the fullest of ``parts``."""
        if self.unit is not None:
            inputs, outputs = -(-needs.n_in // parts.inputs), -(-needs.n_out // parts.outputs)
            taken = self.unit.blocks_of(inputs, outputs, needs.formats, both_ways=self.both_ways)
            if taken > self.blocks:
                return False
        return self.sram_bytes is None or needs.largest_bytes(parts) <= self.sram_bytes
