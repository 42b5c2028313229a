"""Which tiles does each layer get?

Groups follow one another along a snake through the mesh, so that neighbouring layers are neighbouring
tiles. A layer gets the fewest tiles that hold it, or a given number of times as many; single-tile
layers share a tile only when tiles run out. Left out: keeping weights outside the tiles.
"""

from __future__ import annotations

from pcsim.config import Hardware
from pcsim.errors import DoesNotFitError
from pcsim.placement.blocks import Blocks
from pcsim.placement.groups import Group, group_of
from pcsim.placement.positions import positions_of, splits_of
from pcsim.placement.remedies import why_not
from pcsim.placement.snake import snake
from pcsim.program import Program


def allocate(
    program: Program, hardware: Hardware, *, spread: int = 1, explain: bool = True
) -> tuple[Group, ...]:
    """One group of tiles per layer, of ``spread`` times the fewest tiles.

    Not to ``explain`` what would fit saves time where nobody reads it.

    Raises:
        DoesNotFitError: says what is too large, by how much, and what would fit.
    """
    rows, columns = hardware.tiles.mesh
    formats, capacity = hardware.tiles.formats, hardware.tiles.sram.size_bytes
    blocks = Blocks.of(program, hardware)
    tiles = rows * columns
    splits = splits_of(
        program, formats, tiles=tiles, capacity_bytes=capacity, spread=spread, blocks=blocks
    )
    positions = splits and positions_of(
        program, formats, splits, tiles=tiles, capacity_bytes=capacity, blocks=blocks
    )
    if not positions:
        said = why_not(program, hardware, blocks, spread=spread) if explain else program.rule
        raise DoesNotFitError(said)
    path = snake(rows, columns)
    return tuple(
        group_of(
            layer,
            program.sizes(layer),
            parts,
            path[position : position + parts.tiles],
            batch=program.batch,
        )
        for layer, (parts, position) in enumerate(positions, start=1)
    )
