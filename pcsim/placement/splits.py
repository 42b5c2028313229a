"""Into how many parts is a layer cut, and how many bytes does each of them take?"""

from __future__ import annotations

from math import isqrt

from pcsim.config import Formats, Value
from pcsim.placement.blocks import Blocks
from pcsim.placement.groups import Split
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
    program: Program,
    layer: int,
    formats: Formats,
    *,
    capacity_bytes: int | None,
    tiles: int,
    blocks: Blocks | None = None,
) -> Split | None:
    """The split over the fewest tiles that fits; of equal ones the one that moves fewest bits.

    Moved per sample by a product forward and one backward: n_in r_n copies of states and n_out (r_k - 1)
    partial sums up, n_out r_k copies of errors and n_in (r_n - 1) partial sums down. Returns None where no
    split over ``tiles`` fits.
    """
    for count in range(_fewest_tiles(program, layer, formats, capacity_bytes), tiles + 1):
        found = _split_over(
            program, layer, formats, count, capacity_bytes=capacity_bytes, blocks=blocks
        )
        if found is not None:
            return found
    return None


def wider_split(
    program: Program, layer: int, formats: Formats, fewest: Split, *, times: int
) -> Split:
    """The split over ``times`` as many tiles as ``fewest``, or as near below that as widths allow.

    More tiles hold less each, so that capacity is no question.
    """
    n_in, n_out = program.widths[layer - 1], program.widths[layer]
    for count in range(min(times * fewest.tiles, n_in * n_out), fewest.tiles, -1):
        found = _split_over(program, layer, formats, count, capacity_bytes=None)
        if found is not None:
            return found
    return fewest


def _split_over(
    program: Program,
    layer: int,
    formats: Formats,
    count: int,
    *,
    capacity_bytes: int | None,
    blocks: Blocks | None = None,
) -> Split | None:
    """The split over exactly ``count`` tiles that moves fewest bits; None where none fits."""
    state, error, partial = (
        formats.of(value).bits_per_value for value in (Value.STATE, Value.ERROR, Value.ACCUMULATE)
    )
    n_in, n_out = program.widths[layer - 1], program.widths[layer]
    fitting = []
    for outputs in _divisors(count):
        inputs = count // outputs
        if inputs > n_in or outputs > n_out:
            continue
        parts = Split(inputs, outputs)
        if blocks is not None and blocks.needed(layer, inputs, outputs) > blocks.available:
            continue
        if capacity_bytes is None or (
            largest_tile_bytes(program, layer, formats, parts) <= capacity_bytes
        ):
            sums = n_out * (inputs - 1) + n_in * (outputs - 1)
            moved = state * n_in * outputs + error * n_out * inputs + partial * sums
            fitting.append((moved, outputs, parts))
    return min(fitting)[2] if fitting else None


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
