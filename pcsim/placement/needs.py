"""What does a part of a layer need of its tile: bytes of SRAM, and blocks inside the compute unit?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from pcsim.config import ComputeUnit, Formats, Value
from pcsim.formats import Format
from pcsim.placement.blocks import Blocks, weight_blocks
from pcsim.placement.groups import Split
from pcsim.program import Program
from pcsim.program.ops import Buffer, buffer_words
from pcsim.program.sizes import Sizes

UPDATED = ("optimiser", "master")
"""Kinds of buffers that only an update needs."""


@dataclass(frozen=True)
class LayerNeeds:
    """All that decides how a layer can be cut, whichever layer it is: equal ones are cut alike."""

    sizes: Sizes
    batch: int
    feedback: bool
    buffers: tuple[Buffer, ...]
    formats: Formats
    most_samples: int = 1
    """Into how many shares the batch may be cut."""

    @classmethod
    def of(cls, program: Program, layer: int, formats: Formats) -> LayerNeeds:
        buffers = tuple(replace(buffer, layer=0) for buffer in program.buffers_of(layer))
        given = program.sizes(layer), program.batch, program.has_feedback, buffers, formats
        return cls(*given, program.batch)

    @property
    def n_in(self) -> int:
        return self.sizes.n_in

    @property
    def n_out(self) -> int:
        return self.sizes.n_out

    def largest(self, parts: Split) -> Sizes:
        """The sizes of the largest slice where the layer is cut into ``parts``; of paired ones whole groups."""
        sizes = self.sizes
        if sizes.paired:
            groups = -(-sizes.groups // parts.outputs)
            inputs, outputs = (
                groups * (sizes.n_in // sizes.groups),
                groups * (sizes.n_out // sizes.groups),
            )
            return sizes.cut(inputs, outputs)
        return sizes.cut(-(-sizes.n_in // parts.inputs), -(-sizes.n_out // parts.outputs))

    def bytes_of(
        self,
        inputs: int,
        outputs: int,
        *,
        owner: bool,
        parts: Split,
        samples: int | None = None,
        updates: bool = True,
    ) -> dict[str, int]:
        """Bytes of a slice ``inputs`` wide and ``outputs`` wide, by kind of buffer: each packed, in whole bytes.

        Besides the program's buffers a split layer keeps room for one arriving partial sum. ``samples`` of the batch
        are there, all unless given; only where weights are updated (``updates``) are moments and master weights.
        """
        batch = self.batch if samples is None else samples
        size = buffer_words(self.sizes.cut(inputs, outputs), batch)
        kept: dict[str, int] = {}
        for buffer in self.buffers:
            if (owner or not buffer.owner) and (updates or buffer.kind not in UPDATED):
                words = size[buffer.axis] * buffer.words
                one = self.formats.of(buffer.value).storage_bytes(words)
                kept[buffer.kind] = kept.get(buffer.kind, 0) + buffer.copies * one
        arriving = 0
        if parts.inputs > 1:
            arriving = max(arriving, size["out"])
        if parts.outputs > 1 and self.feedback and not self.sizes.paired:
            arriving = max(arriving, size["in"])
        if parts.samples > 1 and self.feedback:
            arriving = max(arriving, size["weight"])
        if arriving:
            kept["partial sums"] = self.formats.of(Value.ACCUMULATE).storage_bytes(arriving)
        return kept

    def largest_bytes(self, parts: Split) -> int:
        """Bytes kept by the fullest tile, which owns its slice, when the layer is cut into ``parts``.

        The sum of ``bytes_of``, on which a search for the smallest split spends most of its time.
        """
        size = buffer_words(self.largest(parts), -(-self.batch // parts.samples))
        arriving = size["out"] if parts.inputs > 1 else 0
        if parts.outputs > 1 and self.feedback and not self.sizes.paired:
            arriving = max(arriving, size["in"])
        if parts.samples > 1 and self.feedback:
            arriving = max(arriving, size["weight"])
        return self._accumulate.storage_bytes(arriving) + sum(
            copies * storage_bytes(size[axis] * words)
            for copies, storage_bytes, axis, words in self._kept
        )

    def moved_bits(self, parts: Split) -> float:
        """Bits that a product forward and one backward move for each sample: n_in r_n copies of states and
        n_out (r_k - 1) partial sums up, n_out r_k copies of errors and n_in (r_n - 1) partial sums down, each as many
        times as a channel has rows."""
        state, error, partial = (
            self.formats.of(value).bits_per_value
            for value in (Value.STATE, Value.ERROR, Value.ACCUMULATE)
        )
        words_in, words_out = self.sizes.words_in, self.sizes.words_out
        sums = words_out * (parts.inputs - 1) + words_in * (parts.outputs - 1)
        copies = state * words_in * parts.outputs + error * words_out * parts.inputs
        return copies + partial * sums

    @cached_property
    def _accumulate(self) -> Format:
        return self.formats.of(Value.ACCUMULATE)

    @cached_property
    def _kept(self) -> tuple[tuple[int, Callable[[int], int], str, int], ...]:
        """Of every buffer its copies, what so many numbers of it take, its axis, and its words of each."""
        return tuple(
            (each.copies, self.formats.of(each.value).storage_bytes, each.axis, each.words)
            for each in self.buffers
        )

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.sizes, self.batch, self.feedback, self.buffers, self.most_samples))


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
            largest = needs.largest(parts)
            taken = weight_blocks(self.unit, largest, needs.formats, both_ways=self.both_ways)
            if taken > self.blocks:
                return False
        return self.sram_bytes is None or needs.largest_bytes(parts) <= self.sram_bytes
