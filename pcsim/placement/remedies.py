"""Why does a network not fit on a chip, and what would?

Whatever is made larger holds at least what it held before, so the smallest that is enough is found by bisection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pcsim.config import Formats, Hardware
from pcsim.placement.blocks import Blocks
from pcsim.placement.groups import Split
from pcsim.placement.positions import positions_of, splits_of
from pcsim.placement.splits import largest_tile_bytes
from pcsim.program import Program
from pcsim.units import format_quantity

LARGEST_SRAM = 1 << 40
MOST_ROWS = 256
MOST_TILES = 4096
MOST_BLOCKS = 65_536
"""What is looked for: memories, rows, meshes and blocks of a compute unit up to these."""

PLENTY = 1 << 40
"""As blocks: more than any network takes."""


def why_not(program: Program, hardware: Hardware, blocks: Blocks | None, *, spread: int) -> str:
    """What is too large, by how much, and what would fit."""
    chip = _Chip.of(program, hardware, blocks, spread)
    if blocks and replace(chip, blocks=replace(blocks, available=PLENTY)).holds():
        return _too_few_blocks(chip, hardware, blocks)
    return _too_little_memory(chip, hardware)


@dataclass(frozen=True)
class _Chip:
    """What decides whether ``program`` fits."""

    program: Program
    formats: Formats
    mesh: tuple[int, int]
    sram_bytes: int | None
    blocks: Blocks | None
    spread: int

    @classmethod
    def of(cls, program: Program, hardware: Hardware, blocks: Blocks | None, spread: int) -> _Chip:
        tiles = hardware.tiles
        return cls(program, tiles.formats, tiles.mesh, tiles.sram.size_bytes, blocks, spread)

    @property
    def tiles(self) -> int:
        return self.mesh[0] * self.mesh[1]

    def splits(self, tiles: int) -> list[Split] | None:
        return splits_of(
            self.program,
            self.formats,
            tiles=tiles,
            capacity_bytes=self.sram_bytes,
            spread=self.spread,
            blocks=self.blocks,
        )

    def holds(self, *, splits: list[Split] | None = None) -> bool:
        """Whether all layers fit, cut into ``splits`` where these are known."""
        splits = splits or self.splits(self.tiles)
        found = splits and positions_of(
            self.program,
            self.formats,
            splits,
            tiles=self.tiles,
            capacity_bytes=self.sram_bytes,
            blocks=self.blocks,
        )
        return bool(found)

    def wider_mesh(self) -> tuple[int, int] | None:
        """The fewest more rows that are enough, or else columns; None where no mesh is that is looked at."""
        rows, columns = self.mesh
        most = min(64 * self.tiles, MOST_TILES)
        splits = self.splits(
            most
        )  # The fewest tiles of a layer do not depend on how many there are.
        if splits is None:
            return None

        def enough(mesh: tuple[int, int]) -> bool:
            return replace(self, mesh=mesh).holds(splits=splits)

        more = smallest(
            rows + 1, min(MOST_ROWS, most // columns), lambda number: enough((number, columns))
        )
        if more is not None:
            return more, columns
        more = smallest(
            columns + 1, min(MOST_ROWS, most // rows), lambda number: enough((rows, number))
        )
        return None if more is None else (rows, more)


def smallest(low: int, high: int, enough: Callable[[int], bool]) -> int | None:
    """The smallest number from ``low`` to ``high`` that is ``enough``, as all above it are; None if none is."""
    if low > high or not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high


def _too_little_memory(chip: _Chip, hardware: Hardware) -> str:
    program, size, tiles = chip.program, chip.sram_bytes, chip.tiles
    if size is None:
        times = f"{chip.spread} times the fewest tiles for each layer"
        return f"{program.rule}: {times} are more than {tiles}."
    whole = Split(1, 1)
    needed = [
        largest_tile_bytes(program, layer, chip.formats, whole)
        for layer in range(1, program.depth + 1)
    ]
    worst = max(range(program.depth), key=needed.__getitem__)
    remedies = list(_of_memory(chip))
    return "\n".join(
        (
            f"{program.rule}: the network needs {format_quantity(sum(needed), 'B')} of tile SRAM before "
            f"any copies for splitting; {hardware.name} has {tiles} x {format_quantity(size, 'B')} = "
            f"{format_quantity(tiles * size, 'B')}.",
            f"The largest layer is {program.name_of(worst + 1)} ({_sizes_text(program, worst + 1)}) with "
            f"{format_quantity(needed[worst], 'B')} at batch {program.batch}.",
            f"What would fit: {', or '.join(remedies)}."
            if remedies
            else "No SRAM size up to 1 TiB, mesh up to 4,096 tiles or smaller batch would fit.",
        )
    )


def _sizes_text(program: Program, layer: int) -> str:
    """Channels in and out, and where there are several the weights of a window and the rows of the result."""
    sizes = program.sizes(layer)
    said = f"{sizes.n_in} x {sizes.n_out}"
    if sizes.taps > 1:
        said += f" x {sizes.taps}"
    return f"{said}, {sizes.rows_out} rows" if sizes.rows_out > 1 else said


def _of_memory(chip: _Chip) -> Iterator[str]:
    """What would make room in SRAM, each by itself."""
    size = chip.sram_bytes
    assert size is not None, "an unlimited memory is never too small"
    if chip.spread > 1 and replace(chip, spread=1).holds():
        yield "spread: 1"
    doublings = (LARGEST_SRAM // size).bit_length() - 1
    times = smallest(1, doublings, lambda n: replace(chip, sram_bytes=size << n).holds())
    if times is not None:
        yield f"tiles.sram.size: {format_quantity(size << times, 'B')}"
    if (mesh := chip.wider_mesh()) is not None:
        yield f"tiles.mesh: [{mesh[0]}, {mesh[1]}]"
    batch = chip.program.batch

    def halved(times: int) -> _Chip:
        # Only widths, buffers and batch matter to an allocation, so the operations may keep theirs.
        return replace(chip, program=replace(chip.program, batch=batch >> times))

    times = smallest(1, batch.bit_length() - 1, lambda n: halved(n).holds())
    if times is not None:
        yield f"training.batch: {batch >> times}"


def _too_few_blocks(chip: _Chip, hardware: Hardware, blocks: Blocks) -> str:
    """Which weights find no room inside compute units that SRAM would have room for."""
    program, key = chip.program, f"tiles.compute.{blocks.compute.blocks_key}"
    needed = {layer: blocks.needed(layer, 1, 1) for layer in range(1, program.depth + 1)}
    worst = max(needed, key=needed.__getitem__)
    remedies = []
    available = max(blocks.available, 1)
    most = min(
        (sum(needed.values()) // available).bit_length(),
        (MOST_BLOCKS // available).bit_length() - 1,
    )

    def with_more(times: int) -> _Chip:
        return replace(chip, blocks=replace(blocks, available=available << times))

    times = smallest(1, most, lambda n: with_more(n).holds())
    if times is not None:
        remedies.append(f"{key}: {available << times}")
    if (mesh := chip.wider_mesh()) is not None:
        remedies.append(f"tiles.mesh: [{mesh[0]}, {mesh[1]}]")
    return "\n".join(
        (
            f"{program.rule}: the weights take {sum(needed.values()):,} blocks of {key}; "
            f"{hardware.name} has {chip.tiles} x {blocks.available:,}.",
            f"The largest layer is {program.name_of(worst)} ({_sizes_text(program, worst)}) with "
            f"{needed[worst]:,}.",
            f"What would fit: {', or '.join(remedies)}." if remedies else "No mesh would fit.",
        )
    )
