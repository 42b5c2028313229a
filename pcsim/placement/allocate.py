"""Which tiles does each layer get?

Groups follow one another along a snake through the mesh, so that neighbouring layers are neighbouring
tiles. A layer gets the fewest tiles that hold it, or a given number of times as many; single-tile
layers share a tile only when tiles run out. Left out: keeping weights outside the tiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate

from pcsim.config import Formats, Hardware
from pcsim.errors import DoesNotFitError
from pcsim.placement.blocks import Blocks
from pcsim.placement.groups import Group, Split, split
from pcsim.placement.snake import snake
from pcsim.placement.splits import largest_tile_bytes, smallest_split, wider_split
from pcsim.program import Program
from pcsim.units import format_quantity


def _shared(
    needs: Sequence[tuple[int, ...]], *, capacities: tuple[int | None, ...], tiles: int
) -> list[list[int]] | None:
    """Consecutive single-tile layers packed so that as few as possible share one tile.

    A layer needs so much of each of several capacities (None: unlimited).
    """
    for most in range(2, len(needs) + 1):
        packs: list[list[int]] = []
        used = [0] * len(capacities)
        for index, need in enumerate(needs):
            together = [before + more for before, more in zip(used, need, strict=True)]
            full = not packs or len(packs[-1]) == most
            if full or not _within(together, capacities):
                packs.append([])
                together = list(need)
            packs[-1].append(index)
            used = together
        if len(packs) <= tiles:
            return packs
    return None


def _within(used: Iterable[int], capacities: Iterable[int | None]) -> bool:
    pairs = zip(used, capacities, strict=True)
    return all(capacity is None or amount <= capacity for amount, capacity in pairs)


def _allocate(
    program: Program,
    formats: Formats,
    *,
    tiles: int,
    capacity_bytes: int | None,
    spread: int = 1,
    blocks: Blocks | None = None,
) -> list[tuple[Split, int]] | None:
    """Per layer its split and its first position along the snake; None if it does not fit."""
    splits: list[Split] = []
    known: dict[tuple[object, ...], Split | None] = {}
    for layer in range(1, program.depth + 1):
        # Deep networks repeat a layer many times; equal layers are split equally.
        buffers = tuple(replace(buffer, layer=0) for buffer in program.buffers_of(layer))
        read_back = blocks is not None and layer in blocks.fed_back
        same = (program.widths[layer - 1], program.widths[layer], buffers, read_back)
        if same not in known:
            fewest = smallest_split(
                program, layer, formats, capacity_bytes=capacity_bytes, tiles=tiles, blocks=blocks
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
    needs = [
        (
            largest_tile_bytes(program, index + 1, formats, splits[index]),
            blocks.needed(index + 1, 1, 1) if blocks else 0,
        )
        for index in single
    ]
    capacities = (capacity_bytes, blocks.available if blocks else None)
    packs = _shared(needs, capacities=capacities, tiles=left)
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
    blocks = Blocks.of(program, hardware)
    allocated = partial(
        _allocate, program, formats, tiles=tiles, capacity_bytes=capacity, spread=spread
    )
    positions = allocated(blocks=blocks)
    if positions is None:
        if blocks and allocated() is not None:
            raise DoesNotFitError(_too_few_blocks(program, hardware, blocks, spread=spread))
        raise DoesNotFitError(_does_not_fit(program, hardware, blocks, spread=spread))
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


def _does_not_fit(
    program: Program, hardware: Hardware, blocks: Blocks | None, *, spread: int
) -> str:
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
    allocated = partial(_allocate, formats=formats, spread=spread, blocks=blocks)
    remedies = []
    if spread > 1 and (allocated(program, tiles=tiles, capacity_bytes=size, spread=1) is not None):
        remedies.append("spread: 1")
    larger = size
    while larger <= 1 << 40:
        larger *= 2
        if allocated(program, tiles=tiles, capacity_bytes=larger) is not None:
            remedies.append(f"tiles.sram.size: {format_quantity(larger, 'B')}")
            break
    more = tiles
    while more <= 64 * tiles and more < 4096:
        more += columns
        if allocated(program, tiles=more, capacity_bytes=size) is not None:
            remedies.append(f"tiles.mesh: [{more // columns}, {columns}]")
            break
    batch = program.batch
    while batch > 1:
        batch //= 2
        # Only widths, buffers and batch matter to an allocation, so the operations may keep theirs.
        fewer = replace(program, batch=batch)
        if allocated(fewer, tiles=tiles, capacity_bytes=size) is not None:
            remedies.append(f"training.batch: {batch}")
            break
    lines.append(
        "What would fit: " + ", or ".join(remedies) + "."
        if remedies
        else "No SRAM size up to 1 TiB, mesh up to 4,096 tiles or smaller batch would fit."
    )
    return "\n".join(lines)


def _too_few_blocks(program: Program, hardware: Hardware, blocks: Blocks, *, spread: int) -> str:
    """Which weights find no room inside compute units that SRAM would have room for."""
    rows, columns = hardware.tiles.mesh
    tiles, key = rows * columns, f"tiles.compute.{blocks.compute.blocks_key}"
    needed = {layer: blocks.needed(layer, 1, 1) for layer in range(1, program.depth + 1)}
    worst = max(needed, key=needed.__getitem__)
    lines = [
        f"{program.rule}: the weights take {sum(needed.values()):,} blocks of {key}; {hardware.name} has "
        f"{tiles} x {blocks.available:,}.",
        f"The largest layer is {worst} ({program.widths[worst - 1]} x {program.widths[worst]}) with "
        f"{needed[worst]:,}.",
    ]
    allocated = partial(
        _allocate,
        program,
        hardware.tiles.formats,
        capacity_bytes=hardware.tiles.sram.size_bytes,
        spread=spread,
    )
    remedies = []
    more = blocks.available
    while more < sum(needed.values()):
        more *= 2
        if allocated(tiles=tiles, blocks=replace(blocks, available=more)) is not None:
            remedies.append(f"{key}: {more}")
            break
    more = tiles
    while more <= 64 * tiles and more < 4096:
        more += columns
        if allocated(tiles=more, blocks=blocks) is not None:
            remedies.append(f"tiles.mesh: [{more // columns}, {columns}]")
            break
    lines.append(f"What would fit: {', or '.join(remedies)}." if remedies else "No mesh would fit.")
    return "\n".join(lines)
