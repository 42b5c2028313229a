"""Which tiles does each layer get?

Groups follow one another along a snake through the mesh, so that neighbouring layers are neighbouring
tiles. A layer gets the fewest tiles that hold it, or a given number of times as many; single-tile
layers share a tile only when tiles run out. Left out: keeping weights outside the tiles' SRAM.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

from pcsim.config import Formats, Hardware
from pcsim.errors import DoesNotFitError
from pcsim.placement.groups import Group, Split, split
from pcsim.placement.splits import largest_tile_bytes, smallest_split, wider_split
from pcsim.program import Program
from pcsim.units import format_quantity


def snake(rows: int, columns: int) -> tuple[int, ...]:
    """Tile numbers (row * columns + column) along a path on which consecutive tiles are neighbours."""
    path: list[int] = []
    for row in range(rows):
        line = range(row * columns, (row + 1) * columns)
        path.extend(line if row % 2 == 0 else reversed(line))
    return tuple(path)


def _shared(sizes: list[int], *, capacity_bytes: int | None, tiles: int) -> list[list[int]] | None:
    """Consecutive single-tile layers packed so that as few as possible share one tile."""
    for most in range(2, len(sizes) + 1):
        packs: list[list[int]] = []
        room = 0
        for index, need in enumerate(sizes):
            full = not packs or len(packs[-1]) == most
            if full or (capacity_bytes is not None and need > room):
                packs.append([])
                room = capacity_bytes or 0
            packs[-1].append(index)
            room -= need
        if len(packs) <= tiles:
            return packs
    return None


def _allocate(
    program: Program,
    formats: Formats,
    *,
    tiles: int,
    capacity_bytes: int | None,
    spread: int = 1,
) -> list[tuple[Split, int]] | None:
    """Per layer its split and its first position along the snake; None if it does not fit."""
    splits: list[Split] = []
    known: dict[tuple[object, ...], Split | None] = {}
    for layer in range(1, program.depth + 1):
        # Deep networks repeat a layer many times; equal layers are split equally.
        buffers = tuple(replace(buffer, layer=0) for buffer in program.buffers_of(layer))
        same = (program.widths[layer - 1], program.widths[layer], buffers)
        if same not in known:
            fewest = smallest_split(
                program, layer, formats, capacity_bytes=capacity_bytes, tiles=tiles
            )
            if fewest is not None and spread > 1:
                fewest = wider_split(program, layer, formats, fewest, times=spread)
            known[same] = fewest
        parts = known[same]
        if parts is None:
            return None
        splits.append(parts)
    if sum(parts.tiles for parts in splits) <= tiles:
        ends = accumulate(parts.tiles for parts in splits)
        return [(parts, end - parts.tiles) for parts, end in zip(splits, ends, strict=True)]
    single = [index for index, parts in enumerate(splits) if parts.tiles == 1]
    left = tiles - sum(parts.tiles for parts in splits if parts.tiles > 1)
    if left < 1 or not single:
        return None
    sizes = [largest_tile_bytes(program, index + 1, formats, splits[index]) for index in single]
    packs = _shared(sizes, capacity_bytes=capacity_bytes, tiles=left)
    if packs is None:
        return None
    pack_of = {single[member]: number for number, pack in enumerate(packs) for member in pack}
    positions: list[tuple[Split, int]] = []
    placed: dict[int, int] = {}
    position = 0
    for index, parts in enumerate(splits):
        pack = pack_of.get(index)
        if pack is not None and pack in placed:
            positions.append((parts, placed[pack]))
            continue
        if pack is not None:
            placed[pack] = position
        positions.append((parts, position))
        position += parts.tiles
    return positions


def allocate(program: Program, hardware: Hardware, *, spread: int = 1) -> tuple[Group, ...]:
    """One group of tiles per layer, of ``spread`` times the fewest tiles.

    Raises:
        DoesNotFitError: says what is too large, by how much, and what would fit.
    """
    rows, columns = hardware.tiles.mesh
    tiles = rows * columns
    formats, capacity = hardware.tiles.formats, hardware.tiles.sram.size_bytes
    positions = _allocate(program, formats, tiles=tiles, capacity_bytes=capacity, spread=spread)
    if positions is None:
        raise DoesNotFitError(_does_not_fit(program, hardware, spread=spread))
    path = snake(rows, columns)
    return tuple(
        Group(
            layer,
            split(program.widths[layer - 1], parts.inputs),
            split(program.widths[layer], parts.outputs),
            path[position : position + parts.tiles],
        )
        for layer, (parts, position) in enumerate(positions, start=1)
    )


def _does_not_fit(program: Program, hardware: Hardware, *, spread: int) -> str:
    """What is too large, by how much, and what would fit."""
    rows, columns = hardware.tiles.mesh
    tiles = rows * columns
    size = hardware.tiles.sram.size_bytes
    formats = hardware.tiles.formats
    if size is None:
        return (
            f"{program.rule}: {spread} times the fewest tiles for each layer are more than {tiles}."
        )
    whole = Split(1, 1)
    needed = [
        largest_tile_bytes(program, layer, formats, whole) for layer in range(1, program.depth + 1)
    ]
    worst = max(range(program.depth), key=needed.__getitem__)
    lines = [
        f"{program.rule}: the network needs {format_quantity(sum(needed), 'B')} of tile SRAM before "
        f"any copies for splitting; {hardware.name} has {tiles} x {format_quantity(size, 'B')} = "
        f"{format_quantity(tiles * size, 'B')}.",
        f"The largest layer is {worst + 1} ({program.widths[worst]} x {program.widths[worst + 1]}) with "
        f"{format_quantity(needed[worst], 'B')} at batch {program.batch}.",
    ]
    remedies = []
    if spread > 1 and (_allocate(program, formats, tiles=tiles, capacity_bytes=size) is not None):
        remedies.append("spread: 1")
    larger = size
    while larger <= 1 << 40:
        larger *= 2
        if (
            _allocate(program, formats, tiles=tiles, capacity_bytes=larger, spread=spread)
            is not None
        ):
            remedies.append(f"tiles.sram.size: {format_quantity(larger, 'B')}")
            break
    more = tiles
    while more <= 64 * tiles and more < 4096:
        more += columns
        if _allocate(program, formats, tiles=more, capacity_bytes=size, spread=spread) is not None:
            remedies.append(f"tiles.mesh: [{more // columns}, {columns}]")
            break
    batch = program.batch
    while batch > 1:
        batch //= 2
        # Only widths, buffers and batch matter to an allocation, so the operations may keep theirs.
        fewer = replace(program, batch=batch)
        if _allocate(fewer, formats, tiles=tiles, capacity_bytes=size, spread=spread) is not None:
            remedies.append(f"training.batch: {batch}")
            break
    lines.append(
        "What would fit: " + ", or ".join(remedies) + "."
        if remedies
        else "No SRAM size up to 1 TiB, mesh up to 4,096 tiles or smaller batch would fit."
    )
    return "\n".join(lines)
