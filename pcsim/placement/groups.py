"""Which tiles hold which slice of which layer, and does it fit?

Layer l is held by a group of r_k x r_n tiles: tile (i, j) holds the weights from input slice i to output
slice j. The tile (0, j) owns output slice j: states, errors and their arithmetic live there. Groups
follow one another along a snake through the mesh, so that neighbouring layers are neighbouring tiles.
A layer gets the fewest tiles that hold it; single-tile layers share a tile only when tiles run out.
Left out: spending spare tiles on parallelism, and keeping weights outside the tiles' SRAM.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from math import isqrt

from pcsim.config import Formats, Hardware, Value
from pcsim.errors import DoesNotFitError
from pcsim.program import Program
from pcsim.units import format_quantity


@dataclass(frozen=True)
class Slice:
    """Units ``start`` to ``stop`` (exclusive) of a layer."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def overlap(self, other: Slice) -> int:
        """How many units both hold."""
        return max(0, min(self.stop, other.stop) - max(self.start, other.start))

    def common(self, other: Slice) -> Slice:
        """The units that both hold, perhaps none."""
        start = max(self.start, other.start)
        return Slice(start, max(start, min(self.stop, other.stop)))


def split(width: int, parts: int) -> tuple[Slice, ...]:
    """``width`` units in ``parts`` contiguous slices whose sizes differ by at most one, larger first."""
    size, larger = divmod(width, parts)
    edges = [index * size + min(index, larger) for index in range(parts + 1)]
    return tuple(Slice(start, stop) for start, stop in itertools.pairwise(edges))


@dataclass(frozen=True)
class Group:
    """The tiles that hold layer ``layer``; ``tiles[j * len(inputs) + i]`` is tile (i, j)."""

    layer: int
    inputs: tuple[Slice, ...]
    outputs: tuple[Slice, ...]
    tiles: tuple[int, ...]

    def tile(self, i: int, j: int) -> int:
        return self.tiles[j * len(self.inputs) + i]

    def owner(self, j: int) -> int:
        """The tile that owns output slice j: where partial predictions are summed."""
        return self.tile(0, j)

    def root(self, i: int) -> int:
        """The tile where partial feedback to input slice i is summed."""
        return self.tile(i, 0)

    def members(self) -> Iterator[tuple[int, int, int]]:
        """Every (i, j, tile)."""
        for j in range(len(self.outputs)):
            for i in range(len(self.inputs)):
                yield i, j, self.tile(i, j)


@dataclass(frozen=True)
class Split:
    """Into how many slices a layer is cut: ``inputs`` along n_in, ``outputs`` along n_out."""

    inputs: int
    outputs: int

    @property
    def tiles(self) -> int:
        return self.inputs * self.outputs


def tile_bytes(
    program: Program,
    layer: int,
    formats: Formats,
    *,
    inputs: int,
    outputs: int,
    owner: bool,
    parts: Split,
) -> dict[str, int]:
    """Bytes that one tile of ``layer`` keeps, by kind of buffer: every buffer packed, in whole bytes.

    ``inputs`` and ``outputs`` are the widths of its slices. Besides the program's buffers a split layer
    keeps room for one arriving partial sum.
    """
    size = {
        "weight": inputs * outputs,
        "in": program.batch * inputs,
        "out": program.batch * outputs,
        "unit": outputs,
    }
    kept: dict[str, int] = {}
    for buffer in program.buffers_of(layer):
        if owner or not buffer.owner:
            one = formats.of(buffer.value).storage_bytes(size[buffer.axis])
            kept[buffer.kind] = kept.get(buffer.kind, 0) + buffer.copies * one
    arriving = 0
    if parts.inputs > 1:
        arriving = max(arriving, size["out"])
    if parts.outputs > 1 and program.has_feedback:
        arriving = max(arriving, size["in"])
    if arriving:
        kept["partial sums"] = formats.of(Value.ACCUMULATE).storage_bytes(arriving)
    return kept


def largest_tile_bytes(program: Program, layer: int, formats: Formats, parts: Split) -> int:
    """Bytes kept by the fullest tile of ``layer`` when it is cut into ``parts``."""
    n_in, n_out = program.widths[layer - 1], program.widths[layer]
    inputs, outputs = -(-n_in // parts.inputs), -(-n_out // parts.outputs)
    kept = tile_bytes(
        program, layer, formats, inputs=inputs, outputs=outputs, owner=True, parts=parts
    )
    return sum(kept.values())


def smallest_split(
    program: Program, layer: int, formats: Formats, *, capacity_bytes: int | None, tiles: int
) -> Split | None:
    """The split over the fewest tiles that fits; of equal ones the one that moves fewest bits.

    Moved per sample by a product forward and one backward: n_in r_n copies of states and n_out (r_k - 1)
    partial sums up, n_out r_k copies of errors and n_in (r_n - 1) partial sums down. Returns None where no
    split over ``tiles`` fits.
    """
    state, error, partial = (
        formats.of(value).bits_per_value for value in (Value.STATE, Value.ERROR, Value.ACCUMULATE)
    )
    n_in, n_out = program.widths[layer - 1], program.widths[layer]
    for count in range(_fewest_tiles(program, layer, formats, capacity_bytes), tiles + 1):
        fitting = []
        for outputs in _divisors(count):
            inputs = count // outputs
            if inputs > n_in or outputs > n_out:
                continue
            parts = Split(inputs, outputs)
            if capacity_bytes is None or (
                largest_tile_bytes(program, layer, formats, parts) <= capacity_bytes
            ):
                sums = n_out * (inputs - 1) + n_in * (outputs - 1)
                moved = state * n_in * outputs + error * n_out * inputs + partial * sums
                fitting.append((moved, outputs, parts))
        if fitting:
            return min(fitting)[2]
    return None


def _fewest_tiles(
    program: Program, layer: int, formats: Formats, capacity_bytes: int | None
) -> int:
    """No fewer tiles hold what ``layer`` keeps per weight."""
    if capacity_bytes is None:
        return 1
    weights = program.widths[layer - 1] * program.widths[layer]
    kept = sum(
        buffer.copies * formats.of(buffer.value).storage_bytes(weights)
        for buffer in program.buffers_of(layer)
        if buffer.axis == "weight" and not buffer.owner
    )
    return max(1, -(-kept // max(capacity_bytes, 1)))


def _divisors(number: int) -> list[int]:
    low = [divisor for divisor in range(1, isqrt(number) + 1) if number % divisor == 0]
    return [*low, *(number // divisor for divisor in reversed(low) if divisor**2 != number)]


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
    program: Program, formats: Formats, *, tiles: int, capacity_bytes: int | None
) -> list[tuple[Split, int]] | None:
    """Per layer its split and its first position along the snake; None if it does not fit."""
    splits: list[Split] = []
    known: dict[tuple[object, ...], Split | None] = {}
    for layer in range(1, program.depth + 1):
        # Deep networks repeat a layer many times; equal layers are split equally.
        buffers = tuple(replace(buffer, layer=0) for buffer in program.buffers_of(layer))
        same = (program.widths[layer - 1], program.widths[layer], buffers)
        if same not in known:
            known[same] = smallest_split(
                program, layer, formats, capacity_bytes=capacity_bytes, tiles=tiles
            )
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


def allocate(program: Program, hardware: Hardware) -> tuple[Group, ...]:
    """One group of tiles per layer.

    Raises:
        DoesNotFitError: says what is too large, by how much, and what would fit.
    """
    rows, columns = hardware.tiles.mesh
    tiles = rows * columns
    formats, capacity = hardware.tiles.formats, hardware.tiles.sram.size_bytes
    positions = _allocate(program, formats, tiles=tiles, capacity_bytes=capacity)
    if positions is None:
        raise DoesNotFitError(_does_not_fit(program, hardware))
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


def _does_not_fit(program: Program, hardware: Hardware) -> str:
    """What is too large, by how much, and what would fit."""
    rows, columns = hardware.tiles.mesh
    tiles = rows * columns
    size = hardware.tiles.sram.size_bytes
    formats = hardware.tiles.formats
    assert size is not None, "with unlimited SRAM every network fits"
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
    larger = size
    while larger <= 1 << 40:
        larger *= 2
        if _allocate(program, formats, tiles=tiles, capacity_bytes=larger) is not None:
            remedies.append(f"tiles.sram.size: {format_quantity(larger, 'B')}")
            break
    more = tiles
    while more <= 64 * tiles and more < 4096:
        more += columns
        if _allocate(program, formats, tiles=more, capacity_bytes=size) is not None:
            remedies.append(f"tiles.mesh: [{more // columns}, {columns}]")
            break
    batch = program.batch
    while batch > 1:
        batch //= 2
        # Only widths, buffers and batch matter to an allocation, so the operations may keep theirs.
        fewer = replace(program, batch=batch)
        if _allocate(fewer, formats, tiles=tiles, capacity_bytes=size) is not None:
            remedies.append(f"training.batch: {batch}")
            break
    lines.append(
        "What would fit: " + ", or ".join(remedies) + "."
        if remedies
        else "No SRAM size up to 1 TiB, mesh up to 4,096 tiles or smaller batch would fit."
    )
    return "\n".join(lines)
