"""Into how many parts is a layer cut, and how many bytes does each of them take?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from math import isqrt

from pcsim.config import Formats
from pcsim.placement.blocks import Blocks
from pcsim.placement.groups import Split
from pcsim.placement.needs import LayerNeeds, Room
from pcsim.program import Program


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
    """Bytes that one tile of ``layer`` keeps, by kind of buffer; ``inputs`` and ``outputs`` are the widths of its
    slices."""
    needs = LayerNeeds.of(program, layer, formats)
    return needs.bytes_of(inputs, outputs, owner=owner, parts=parts)


def largest_tile_bytes(program: Program, layer: int, formats: Formats, parts: Split) -> int:
    """Bytes kept by the fullest tile of ``layer`` when it is cut into ``parts``."""
    return LayerNeeds.of(program, layer, formats).largest_bytes(parts)


def smallest_split(
    program: Program,
    layer: int,
    formats: Formats,
    *,
    capacity_bytes: int | None,
    tiles: int,
    blocks: Blocks | None = None,
) -> Split | None:
    """The split over the fewest tiles that fits; of equal ones the one that moves fewest bits.

    Returns None where no split over ``tiles`` fits.
    """
    needs = LayerNeeds.of(program, layer, formats)
    if blocks is not None:  # A second copy would have to be written into cells.
        needs = replace(needs, most_samples=1)
    return _smallest(needs, Room.of(layer, capacity_bytes, blocks), tiles)


def wider_split(
    program: Program, layer: int, formats: Formats, fewest: Split, *, times: int
) -> Split:
    """The split over ``times`` as many tiles as ``fewest``, or as near below that as widths allow.

    More tiles hold less each, so that capacity is no question.
    """
    return _wider(LayerNeeds.of(program, layer, formats), fewest, times)


@lru_cache(maxsize=1 << 14)  # Deep networks repeat layers, and schedules their network.
def _smallest(needs: LayerNeeds, room: Room, tiles: int) -> Split | None:
    """The fewest tiles over all numbers of shares of the batch; of equal ones the fewest shares, as each keeps weights
    of its own."""
    best: Split | None = None
    for samples in range(1, needs.most_samples + 1):
        most = (tiles if best is None else best.tiles - 1) // samples
        if not most:
            break
        best = _smallest_share(needs, room, most, samples) or best
    return best


def _smallest_share(needs: LayerNeeds, room: Room, tiles: int, samples: int) -> Split | None:
    """Of r_k x r_n <= T parts of each of ``samples`` shares one side has at most sqrt(T). So each number up to that is
    tried as either side, and the fewest parts of the other are found by bisection: the more parts, the less each
    needs."""
    least = _fewest_tiles(needs, room.sram_bytes)
    if needs.sizes.paired:
        most = min(tiles, needs.sizes.groups)
        outputs = _fewest_parts(lambda n: room.holds(needs, Split(1, n, samples)), least, most)
        return None if outputs is None else Split(1, outputs, samples)
    best = tiles + 1
    one = 1
    while one * one < best and one <= tiles:
        for inputs_fixed in (True, False):
            most_one, most = needs.n_in, needs.n_out
            if not inputs_fixed:
                most_one, most = most, most_one
            if one > most_one:
                continue

            def fits(other: int, one: int = one, inputs_fixed: bool = inputs_fixed) -> bool:
                sides = (one, other) if inputs_fixed else (other, one)
                return room.holds(needs, Split(*sides, samples))

            other = _fewest_parts(fits, -(-least // one), min(most, (best - 1) // one))
            if other is not None:
                best = one * other
        one += 1
    return _split_over(needs, best, room, samples) if best <= tiles else None


def _fewest_parts(fits: Callable[[int], bool], least: int, most: int) -> int | None:
    """The smallest number from ``least`` to ``most`` that fits, None if none does.

    Above 1 more parts fit wherever fewer do. A second part brings partial sums with it, so 1 is tried for itself.
    """
    if least <= 1 <= most and fits(1):
        return 1
    low = high = max(2, least)
    step = 1
    while high <= most and not fits(high):
        if high == most:
            return None
        low, high, step = high + 1, min(most, high + step), 2 * step
    if high > most:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return high


@lru_cache(maxsize=1 << 14)
def _wider(needs: LayerNeeds, fewest: Split, times: int) -> Split:
    samples = fewest.samples
    if needs.sizes.paired:
        return Split(1, min(times * fewest.outputs, needs.sizes.groups), samples)
    share = fewest.tiles // samples
    for count in range(min(times * share, needs.n_in * needs.n_out), share, -1):
        found = _split_over(needs, count, Room(None), samples)
        if found is not None:
            return found
    return fewest


def _split_over(needs: LayerNeeds, count: int, room: Room, samples: int) -> Split | None:
    """The split of each share over exactly ``count`` tiles that moves fewest bits; None where none fits."""
    fitting = []
    for outputs in _divisors(count):
        inputs = count // outputs
        if inputs > needs.n_in or outputs > needs.n_out:
            continue
        parts = Split(inputs, outputs, samples)
        if room.holds(needs, parts):
            fitting.append((needs.moved_bits(parts), outputs, parts))
    return min(fitting)[2] if fitting else None


def _fewest_tiles(needs: LayerNeeds, capacity_bytes: int | None) -> int:
    """No fewer tiles hold what a layer keeps per weight."""
    if capacity_bytes is None:
        return 1
    kept = sum(
        buffer.copies * needs.formats.of(buffer.value).storage_bytes(needs.sizes.weights)
        for buffer in needs.buffers
        if buffer.axis == "weight" and not buffer.owner
    )
    return max(1, -(-kept // max(capacity_bytes, 1)))


def _divisors(number: int) -> list[int]:
    low = [divisor for divisor in range(1, isqrt(number) + 1) if number % divisor == 0]
    return [*low, *(number // divisor for divisor in reversed(low) if divisor**2 != number)]
