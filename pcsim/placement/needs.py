"""What does a part of a layer need of its tile: bytes of SRAM, and blocks inside the compute unit?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from pcsim.config import ComputeUnit, Formats, Value
from pcsim.formats import Format
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
        """Bytes kept by the fullest tile, which owns its slice, when the layer is cut into ``parts``.

        The sum of ``bytes_of``, on which a search for the smallest split spends most of its time.
        """
        inputs, outputs = -(-self.n_in // parts.inputs), -(-self.n_out // parts.outputs)
        moved_in, moved_out = self.batch * inputs, self.batch * outputs
        size = {"weight": inputs * outputs, "in": moved_in, "out": moved_out, "unit": outputs}
        arriving = moved_out if parts.inputs > 1 else 0
        if parts.outputs > 1 and self.feedback and moved_in > arriving:
            arriving = moved_in
        return self._accumulate.storage_bytes(arriving) + sum(
            copies * storage_bytes(size[axis]) for copies, storage_bytes, axis in self._kept
        )

    @cached_property
    def _accumulate(self) -> Format:
        return self.formats.of(Value.ACCUMULATE)

    @cached_property
    def _kept(self) -> tuple[tuple[int, Callable[[int], int], str], ...]:
        """Of every buffer its copies, what so many numbers of it take, and its axis."""
        return tuple(
            (each.copies, self.formats.of(each.value).storage_bytes, each.axis)
            for each in self.buffers
        )

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.n_in, self.n_out, self.batch, self.feedback, self.buffers))


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
