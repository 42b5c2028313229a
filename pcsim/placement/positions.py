"""Into how many parts is each layer cut, and where along the snake do they begin?

Single-tile layers share a tile only when tiles run out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from pcsim.config import Formats
from pcsim.placement.blocks import Blocks
from pcsim.placement.groups import Split
from pcsim.placement.splits import largest_tile_bytes, smallest_split, wider_split
from pcsim.program import Program


def splits_of(
    program: Program,
    formats: Formats,
    *,
    tiles: int,
    capacity_bytes: int | None,
    spread: int = 1,
    blocks: Blocks | None = None,
) -> list[Split] | None:
    """Per layer its split; None where one fits on no ``tiles``, or all that take several take too many."""
    splits: list[Split] = []
    taken = 0
    for layer in range(1, program.depth + 1):
        parts = smallest_split(
            program, layer, formats, capacity_bytes=capacity_bytes, tiles=tiles, blocks=blocks
        )
        if parts is not None and spread > 1:
            parts = wider_split(program, layer, formats, parts, times=spread)
        if parts is None:
            return None
        splits.append(parts)
        taken += parts.tiles if parts.tiles > 1 else 0
        if taken > tiles:
            return None
    return splits


def positions_of(
    program: Program,
    formats: Formats,
    splits: Sequence[Split],
    *,
    tiles: int,
    capacity_bytes: int | None,
    blocks: Blocks | None = None,
) -> list[tuple[Split, int]] | None:
    """Per layer its split and its first position along the snake; None if they do not fit."""
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


def _shared(
    needs: Sequence[tuple[int, ...]], *, capacities: tuple[int | None, ...], tiles: int
) -> list[list[int]] | None:
    """Consecutive single-tile layers packed so that as few as possible share one tile.

    A layer needs so much of each of several capacities (None: unlimited). The more may share, the fewer tiles they
    take, so the fewest that must are found by bisection.
    """
    low, high = 2, len(needs)
    if high < low or len(_packed(needs, high, capacities)) > tiles:
        return None
    while low < high:
        middle = (low + high) // 2
        if len(_packed(needs, middle, capacities)) <= tiles:
            high = middle
        else:
            low = middle + 1
    return _packed(needs, low, capacities)


def _packed(
    needs: Sequence[tuple[int, ...]], most: int, capacities: tuple[int | None, ...]
) -> list[list[int]]:
    """Consecutive layers in as few packs as hold them, at most ``most`` in one."""
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
    return packs


def _within(used: Iterable[int], capacities: Iterable[int | None]) -> bool:
    pairs = zip(used, capacities, strict=True)
    return all(capacity is None or amount <= capacity for amount, capacity in pairs)
