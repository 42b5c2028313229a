"""Do the weights of a layer find room inside the compute unit, where it keeps them itself?"""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.config import ComputeUnit, Formats, Hardware
from pcsim.placement.copies import fed_back
from pcsim.program import Program
from pcsim.program.sizes import Sizes


@dataclass(frozen=True)
class Blocks:
    """The room of one tile, ``available`` of the compute unit's own blocks; see ``ComputeUnit.blocks``."""

    program: Program
    compute: ComputeUnit
    formats: Formats
    fed_back: frozenset[int]
    available: int

    @classmethod
    def of(cls, program: Program, hardware: Hardware) -> Blocks | None:
        """None where weights come from SRAM."""
        tiles = hardware.tiles
        available = tiles.compute.blocks
        if available is None:
            return None
        return cls(program, tiles.compute, tiles.formats, fed_back(program), available)

    def needed(self, layer: int, inputs: int, outputs: int) -> int:
        """Blocks of the largest slice of ``layer`` when it is cut into ``inputs`` x ``outputs`` slices."""
        sizes = self.program.sizes(layer)
        largest = sizes.cut(-(-sizes.n_in // inputs), -(-sizes.n_out // outputs))
        return weight_blocks(self.compute, largest, self.formats, both_ways=layer in self.fed_back)


def weight_blocks(compute: ComputeUnit, sizes: Sizes, formats: Formats, *, both_ways: bool) -> int:
    """Blocks of a slice of these sizes: a matrix of n_in taps x n_out for each group."""
    if not sizes.weighted:
        return 0
    inputs, outputs = sizes.n_in // sizes.groups * sizes.taps, sizes.n_out // sizes.groups
    return sizes.groups * compute.blocks_of(inputs, outputs, formats, both_ways=both_ways)
