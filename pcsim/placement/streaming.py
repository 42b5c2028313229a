"""What is where when weights live in DRAM or the global buffer and only some layers' are on a tile at a time?

Layers are dealt out in runs of equal length along the snake, each whole on one tile, those without weights, too. A
tile keeps the states and errors of its layers, room for two gradients with their moments in transit, and in what is
left, its window, the weights of the layers that it used last; what it needs next pushes out what was used longest ago.
Moments and master weights come for the update and go back with the new weights. Left out: layers over several tiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pcsim.config import Formats, Hardware, Value
from pcsim.errors import DoesNotFitError
from pcsim.placement.groups import Group, Split, group_of
from pcsim.placement.snake import snake
from pcsim.placement.splits import tile_bytes
from pcsim.program import Program
from pcsim.program.ops import buffer_words
from pcsim.units import exact_quantity, format_quantity

IN_TRANSIT = ("gradient", "optimiser", "master")
"""Kinds of buffers per weight that are on a tile only while a layer is updated."""

AT_HOME = {
    Value.WEIGHT: "weights",
    Value.MASTER: "master weights",
    Value.OPTIMISER: "moments",
}
"""What lives where weights do, and what it is called."""

WHOLE = Split(1, 1)

BUFFERED = 2
"""Layers whose gradients and moments are on a tile at a time: one updated, one arriving."""


def deal(program: Program, hardware: Hardware) -> tuple[tuple[Group, ...], Mapping[int, int]]:
    """The tile of each layer, and the bytes of each tile's window.

    Raises:
        DoesNotFitError: a tile has no room for its states and one layer's weights; says how much is missing.
    """
    if program.micro_batches > 1:
        raise DoesNotFitError(
            f"{program.rule}: with weights streamed the gradients of {program.micro_batches} micro-batches "
            "would have to wait on the tiles for one another.\n"
            "What would fit: micro_batches: 1, or tiles.sram.weights: resident."
        )
    rows, columns = hardware.tiles.mesh
    path, depth = snake(rows, columns), program.depth
    per_tile = -(-depth // len(path))
    groups = tuple(
        group_of(layer, sizes, WHOLE, (path[at // per_tile],), batch=program.batch)
        for at, (layer, sizes) in enumerate(enumerate(program.parts, start=1))
    )
    windows: dict[int, int] = {}
    for tile in dict.fromkeys(group.tiles[0] for group in groups):
        layers = [group.layer for group in groups if group.tiles == (tile,)]
        windows[tile] = _window(program, hardware, layers)
    return groups, windows


def kept_bytes(program: Program, hardware: Hardware, layer: int) -> dict[str, int]:
    """Bytes that ``layer`` keeps on its one tile, by kind of buffer, as if all were there."""
    sizes, formats = program.sizes(layer), hardware.tiles.formats
    return tile_bytes(
        program,
        layer,
        formats,
        inputs=sizes.n_in,
        outputs=sizes.n_out,
        owner=True,
        parts=WHOLE,
    )


def on_tile(program: Program, hardware: Hardware, layers: list[int]) -> dict[str, int]:
    """What a tile with these layers keeps besides its window, by kind of buffer."""
    kept: dict[str, int] = {}
    for layer in layers:
        streams = program.sizes(layer).weighted
        for kind, size_bytes in kept_bytes(program, hardware, layer).items():
            if kind == "weight" and streams:
                continue
            if kind in IN_TRANSIT and streams:
                kept[kind] = max(kept.get(kind, 0), BUFFERED * size_bytes)
            else:
                kept[kind] = kept.get(kind, 0) + size_bytes
    return kept


def bytes_at_home(program: Program, formats: Formats, layer: int, values: Iterable[Value]) -> int:
    """Bytes of what ``layer`` keeps per weight, and of its biases' like, of these kinds of values; of a layer without
    weights nothing, as gains and positions alone stay where they are."""
    if not program.sizes(layer).weighted:
        return 0
    size = buffer_words(program.sizes(layer), program.batch)
    return sum(
        buffer.copies * formats.of(buffer.value).storage_bytes(size[buffer.axis] * buffer.words)
        for buffer in program.buffers_of(layer)
        if buffer.value in values and buffer.axis in ("weight", "unit")
    )


def in_buffer(program: Program, hardware: Hardware) -> int:
    """Bytes that live in the global buffer for the whole update: weights, master weights and moments.

    Raises:
        DoesNotFitError: the buffer is smaller; says what takes how much.
    """
    assert hardware.buffer is not None, "config demands one where weights are buffered"
    formats, layers = hardware.tiles.formats, range(1, program.depth + 1)
    kept = {
        name: sum(bytes_at_home(program, formats, layer, (value,)) for layer in layers)
        for value, name in AT_HOME.items()
    }
    total, size = sum(kept.values()), hardware.buffer.size_bytes
    if total > size:
        parts = [f"{name} {exact_quantity(of, 'B')}" for name, of in kept.items() if of]
        raise DoesNotFitError(
            f"{program.rule}: what lives in the global buffer takes {exact_quantity(total, 'B')} "
            f"({', '.join(parts)}); {hardware.name} has {exact_quantity(size, 'B')}, "
            f"{exact_quantity(total - size, 'B')} too little.\n"
            f"What would fit: buffer.size: {exact_quantity(total, 'B')}, or "
            f"tiles.sram.weights: streamed."
        )
    return total


def _window(program: Program, hardware: Hardware, layers: list[int]) -> int:
    weights = [
        kept_bytes(program, hardware, layer)["weight"] if program.sizes(layer).weighted else 0
        for layer in layers
    ]
    size = hardware.tiles.sram.size_bytes
    if size is None:
        return sum(weights)
    kept = on_tile(program, hardware, layers)
    room = size - sum(kept.values())
    if room < max(weights):
        largest = layers[weights.index(max(weights))]
        raise DoesNotFitError(
            f"{program.rule}: with weights streamed a tile keeps {format_quantity(sum(kept.values()), 'B')} "
            f"of states, errors and updates of {len(layers)} layers and the weights of one, at most "
            f"{format_quantity(max(weights), 'B')} (layer {program.name_of(largest)}); {hardware.name} has "
            f"{format_quantity(size, 'B')}.\n"
            f"What would fit: tiles.sram.size: "
            f"{format_quantity(sum(kept.values()) + max(weights), 'B')}, or more tiles, or a smaller "
            f"training.batch."
        )
    return min(room, sum(weights))
