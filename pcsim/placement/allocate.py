"""Which tiles does each part get?

Groups follow one another along a snake through the mesh, so that neighbouring parts are neighbouring tiles. Either a
part gets the fewest tiles that hold it, or a given number of times as many, and single-tile parts share a tile only
when tiles run out; or parts get tiles by their work. How many tiles are best then depends on time, which is not known
here: `allocations` lists what is worth trying. Left out: keeping weights outside the tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from pcsim.config import Hardware
from pcsim.errors import DoesNotFitError
from pcsim.placement.balance import Filling, Positions, apart, together
from pcsim.placement.blocks import Blocks
from pcsim.placement.groups import Group, group_of
from pcsim.placement.needs import LayerNeeds, Room
from pcsim.placement.positions import positions_of, splits_of
from pcsim.placement.remedies import why_not
from pcsim.placement.snake import snake
from pcsim.placement.work import Rates, UsefulCut, useful_cuts, work_of
from pcsim.program import Program

Way = Literal["fewest", "apart", "together"]


@dataclass(frozen=True)
class Allocation:
    """How parts get tiles: ``fewest`` that hold them, times ``times``; or by their work, ``apart``, with up to
    ``times`` tiles for all of them, or ``together``, with up to ``times`` tiles for each, which they share.

    Of the mesh the first rows and columns, as many as ``corner`` says, None for all."""

    way: Way
    times: int
    corner: tuple[int, int] | None = None

    def __str__(self) -> str:
        where = f" on {self.corner[0]} x {self.corner[1]}" if self.corner else ""
        return f"{self.way} {self.times}{where}"

    def path(self, hardware: Hardware) -> tuple[int, ...]:
        """The tiles in question, in the order of the snake."""
        rows, columns = hardware.tiles.mesh
        high, wide = self.corner or (rows, columns)
        return tuple(tile // wide * columns + tile % wide for tile in snake(high, wide))


FEWEST = Allocation("fewest", 1)


def allocations(hardware: Hardware, *, spread: int = 1) -> tuple[tuple[Allocation, ...], ...]:
    """What is worth trying on this chip: several series, in each of which parts get more and more tiles.

    One alone where the chip gives parts the fewest tiles, a ``spread`` is asked for, or weights do not stay in the
    tiles. Up to the last the series of a smaller chip are those of a larger one.
    """
    tiles = hardware.tiles
    if tiles.allocation == "fewest" or spread > 1 or tiles.sram.streams:
        return ((Allocation("fewest", spread),),)
    number = tiles.mesh[0] * tiles.mesh[1]
    counts = [*(1 << power for power in range((number - 1).bit_length())), number]
    return (
        (FEWEST, *(Allocation("together", count) for count in counts)),
        tuple(Allocation("apart", count) for count in counts),
    )


def near(found: Allocation, hardware: Hardware) -> tuple[Allocation, ...]:
    """What is like ``found``: the other way to share tiles, a little less, a little more, and the same on fewer rows or
    columns, where ways are shorter."""
    if found.way == "fewest":
        return ()
    rows, columns = found.corner or hardware.tiles.mesh
    other: Way = "together" if found.way == "apart" else "apart"
    steps = (Fraction(3, 4), Fraction(7, 8), Fraction(5, 4), Fraction(3, 2))
    counts = dict.fromkeys(int(step * found.times) for step in steps)
    corners = ((rows, columns - 1), (rows - 1, columns), (rows, columns // 2), (rows // 2, columns))
    return (
        replace(found, way=other),
        *(replace(found, times=count) for count in counts if 0 < count <= rows * columns),
        *(replace(found, corner=corner) for corner in corners if min(corner) > 0),
    )


def by_default(hardware: Hardware, *, spread: int = 1) -> Iterator[Allocation]:
    """What is taken where none is given: the first that fits, beginning with all tiles for every part."""
    return reversed(allocations(hardware, spread=spread)[0])


def allocate(
    program: Program,
    hardware: Hardware,
    *,
    allocation: Allocation | None = None,
    spread: int = 1,
    explain: bool = True,
) -> tuple[Group, ...]:
    """One group of tiles per part, by ``allocation`` or as `by_default`.

    Not to ``explain`` what would fit saves time where nobody reads it.

    Raises:
        DoesNotFitError: says what is too large, by how much, and what would fit.
    """
    ways = [allocation] if allocation else list(by_default(hardware, spread=spread))
    blocks = Blocks.of(program, hardware)
    for way in ways:
        positions = _positions(program, hardware, way, blocks)
        if positions:
            return _groups(program, way.path(hardware), positions)
    times = ways[-1].times if ways[-1].way == "fewest" else 1
    said = why_not(program, hardware, blocks, spread=times) if explain else program.rule
    raise DoesNotFitError(said)


def _positions(
    program: Program, hardware: Hardware, way: Allocation, blocks: Blocks | None
) -> Positions | None:
    tiles = hardware.tiles
    formats, sram_bytes = tiles.formats, tiles.sram.size_bytes
    number = len(way.path(hardware))
    if way.way == "fewest":
        splits = splits_of(
            program,
            formats,
            tiles=number,
            capacity_bytes=sram_bytes,
            spread=way.times,
            blocks=blocks,
        )
        if splits is None:
            return None
        return positions_of(
            program, formats, splits, tiles=number, capacity_bytes=sram_bytes, blocks=blocks
        )
    cuts = _cuts(program, hardware, blocks, number)
    if not all(cuts):
        return None
    if way.way == "apart":
        return apart(cuts, min(way.times, number))
    filling = Filling(number, formats, sram_bytes=sram_bytes, blocks=blocks)
    return together(program, cuts, filling, widest=way.times)


def _cuts(
    program: Program, hardware: Hardware, blocks: Blocks | None, number: int
) -> list[tuple[UsefulCut, ...]]:
    """Of every part the cuts that are worth having on so many tiles."""
    tiles, rates = hardware.tiles, Rates.of(hardware)
    return [
        useful_cuts(
            work,
            LayerNeeds.of(program, part, tiles.formats),
            rates,
            Room.of(part, tiles.sram.size_bytes, blocks),
            number,
        )
        for part, work in enumerate(work_of(program), start=1)
    ]


def _groups(program: Program, path: tuple[int, ...], positions: Positions) -> tuple[Group, ...]:
    around = path + path
    return tuple(
        group_of(
            part,
            program.sizes(part),
            parts,
            around[position : position + parts.tiles],
            batch=program.batch,
        )
        for part, (parts, position) in enumerate(positions, start=1)
    )
