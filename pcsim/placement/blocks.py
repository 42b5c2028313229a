"""Do the weights of a layer find room inside the compute unit, where it keeps them itself?"""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.config import ComputeUnit, Formats, Hardware
from pcsim.placement.copies import fed_back
from pcsim.program import Program


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
        n_in, n_out = self.program.widths[layer - 1], self.program.widths[layer]
        return self.compute.blocks_of(
            -(-n_in // inputs), -(-n_out // outputs), self.formats, both_ways=layer in self.fed_back
        )
