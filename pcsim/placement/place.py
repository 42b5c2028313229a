"""Where everything goes: groups of tiles, what each tile keeps, and the tasks that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pcsim.config import Formats, Hardware, Value, problem_at
from pcsim.errors import InputError
from pcsim.placement.allocate import Allocation, allocate
from pcsim.placement.copies import as_kept
from pcsim.placement.expand import expand
from pcsim.placement.groups import Group, Split
from pcsim.placement.needs import LayerNeeds
from pcsim.placement.search import search
from pcsim.placement.streaming import deal, in_buffer, on_tile
from pcsim.placement.tasks import Tasks
from pcsim.placement.topologies import Topology, topology_of
from pcsim.program import Kind, Op, Program, Role


@dataclass(frozen=True)
class Placement:
    """Where a program runs on a chip.

    ``occupancy_bytes`` maps each used tile to what it keeps, by kind of buffer (weight, master,
    gradient, optimiser, state, error, partial sums). Everything is resident in the tiles' SRAM for the whole
    update, so this is also the peak. ``windows`` are the bytes through which each tile's weights stream;
    empty where they are resident. ``buffer_bytes`` live in the global buffer, as long.
    """

    groups: tuple[Group, ...]
    occupancy_bytes: Mapping[int, Mapping[str, int]]
    mesh: Topology
    tasks: Tasks
    windows: Mapping[int, int]
    buffer_bytes: int = 0

    @property
    def tiles_used(self) -> int:
        return len(self.occupancy_bytes)

    @property
    def peak_bytes(self) -> dict[int, int]:
        """Peak occupancy of each used tile's SRAM."""
        return {tile: sum(kinds.values()) for tile, kinds in self.occupancy_bytes.items()}


@dataclass(frozen=True)
class Space:
    """What a program takes of a chip; see `Placement` for ``occupancy_bytes``, ``windows`` and ``buffer_bytes``.

    ``program`` is the one that is run, with the copies that the chip keeps.
    """

    program: Program
    groups: tuple[Group, ...]
    occupancy_bytes: Mapping[int, Mapping[str, int]]
    windows: Mapping[int, int]
    buffer_bytes: int = 0

    @property
    def tiles_used(self) -> int:
        return len(self.occupancy_bytes)

    @property
    def fullest_bytes(self) -> int:
        """Peak occupancy of the fullest tile's SRAM."""
        return max(sum(kinds.values()) for kinds in self.occupancy_bytes.values())


def space(
    program: Program,
    hardware: Hardware,
    *,
    allocation: Allocation | None = None,
    spread: int = 1,
    explain: bool = True,
) -> Space:
    """Which tiles a program gets and what these keep, without the tasks that follow; what is not said there is as for
    ``allocate``.

    Raises:
        DoesNotFitError: as ``place``.
    """
    _refuse(program, hardware)
    program = as_kept(program, hardware)
    if not hardware.tiles.sram.streams:
        groups = allocate(program, hardware, allocation=allocation, spread=spread, explain=explain)
        occupancy = _occupancy(program, groups, hardware.tiles.formats)
        return Space(program, groups, occupancy, {})
    groups, windows = deal(program, hardware)
    buffered = hardware.tiles.sram.weights == "buffered"
    kept_bytes = in_buffer(program, hardware) if buffered else 0
    occupancy = _with_windows(program, hardware, groups, windows)
    return Space(program, groups, occupancy, windows, kept_bytes)


def _refuse(program: Program, hardware: Hardware) -> None:
    """Whose weights several operators share, or who multiplies states by states, goes where weights lie in SRAM.

    Raises:
        InputError: they lie elsewhere; what that costs is not written yet.
    """
    compute = hardware.tiles.compute
    shares = any(op.role is Role.COPIED and op.target for op in program.ops)
    found = []
    if hardware.tiles.sram.streams and shares:
        path = "tiles.sram.weights"
        given = hardware.tiles.sram.weights
        said = f"must be resident, not {given!r}, where operators share weights"
        found.append(problem_at(hardware, path, f"{path} {said}: {_UNWRITTEN}"))
    if compute.blocks is not None and (shares or any(map(_multiplies_states, program.ops))):
        path = "tiles.compute.kind"
        said = f"must be one that reads weights from SRAM, not {compute.kind!r} that keeps them"
        why = "operators share weights" if shares else "attention multiplies states by states"
        found.append(problem_at(hardware, path, f"{path} {said}, where {why}: {_UNWRITTEN}"))
    if found:
        raise InputError(tuple(found))


_UNWRITTEN = "what that costs there is not written yet"


def _multiplies_states(op: Op) -> bool:
    """Whether a product has no weights."""
    if op.kind not in (Kind.PRODUCT_FORWARD, Kind.PRODUCT_BACKWARD):
        return False
    return op.contraction.operands.stationary is not Value.WEIGHT


def place(
    program: Program,
    hardware: Hardware,
    *,
    allocation: Allocation | None = None,
    spread: int = 1,
) -> Placement:
    """Give every part tiles by ``allocation`` and turn operations into tasks.

    Without one a part gets ``spread`` times the fewest tiles that hold it where that is more than 1, and else as
    ``tiles.allocation`` says. Tiles follow one another along the snake; with ``tiles.placement: search`` they then
    change places.

    Raises:
        InputError: the chip keeps weights in a way that has no program of such a network.
        DoesNotFitError: the network needs more SRAM, more of the global buffer, or more room for
            weights inside compute units, than the chip has; says what would fit.
    """
    found = space(program, hardware, allocation=allocation, spread=spread)
    placement = laid_out(
        found.program, hardware, found.groups, found.occupancy_bytes, found.windows
    )
    if hardware.tiles.placement == "search":
        placement = moved(placement, found.program, hardware, search(placement.tasks))
    return placement


def place_like(program: Program, hardware: Hardware, other: Placement) -> Placement:
    """``program`` on the very tiles where ``other`` has the same parts."""
    program = as_kept(program, hardware)
    if hardware.tiles.sram.streams:
        occupancy = _with_windows(program, hardware, other.groups, other.windows)
    else:
        occupancy = _occupancy(program, other.groups, hardware.tiles.formats)
    return laid_out(program, hardware, other.groups, occupancy, other.windows)


def laid_out(
    program: Program,
    hardware: Hardware,
    groups: tuple[Group, ...],
    occupancy: Mapping[int, Mapping[str, int]],
    windows: Mapping[int, int],
) -> Placement:
    """The placement of ``groups``, with the tasks that follow."""
    mesh = topology_of(hardware)
    buffered = hardware.tiles.sram.weights == "buffered"
    kept_bytes = in_buffer(program, hardware) if buffered else 0
    tasks = expand(program, {group.layer: group for group in groups}, mesh, hardware.tiles)
    return Placement(groups, occupancy, mesh, tasks, windows, kept_bytes)


def moved(
    placement: Placement, program: Program, hardware: Hardware, places: Mapping[int, int]
) -> Placement:
    """The same where every tile has the place that ``places`` gives it."""
    groups = tuple(
        replace(group, tiles=tuple(places[tile] for tile in group.tiles))
        for group in placement.groups
    )
    occupancy = {places[tile]: kept for tile, kept in placement.occupancy_bytes.items()}
    windows = {places[tile]: size for tile, size in placement.windows.items()}
    return laid_out(program, hardware, groups, dict(sorted(occupancy.items())), windows)


def _with_windows(
    program: Program,
    hardware: Hardware,
    groups: tuple[Group, ...],
    windows: Mapping[int, int],
) -> dict[int, dict[str, int]]:
    """What each tile keeps where weights are streamed, the window counted as weights."""
    occupancy = {}
    for tile, window in windows.items():
        layers = [group.layer for group in groups if group.tiles == (tile,)]
        occupancy[tile] = {"weight": window, **on_tile(program, hardware, layers)}
    return dict(sorted(occupancy.items()))


def _occupancy(
    program: Program, groups: tuple[Group, ...], formats: Formats
) -> dict[int, dict[str, int]]:
    occupancy: dict[int, dict[str, int]] = {}
    for group in groups:
        inputs = 1 if group.paired else len(group.inputs)
        parts = Split(inputs, len(group.outputs), group.shares)
        needs = LayerNeeds.of(program, group.layer, formats)
        known: dict[tuple[int, int, bool, int, bool], dict[str, int]] = {}
        for s, samples in enumerate(group.batches(program.batch)):
            for i, j, tile in group.members(s):
                owner = tile == group.owner(j, s)
                cut = len(group.inputs[i]), len(group.outputs[j]), owner, len(samples), s == 0
                if cut not in known:
                    known[cut] = needs.bytes_of(
                        cut[0], cut[1], owner=owner, parts=parts, samples=cut[3], updates=s == 0
                    )
                kept = occupancy.setdefault(tile, {})
                for kind, size_bytes in known[cut].items():
                    kept[kind] = kept.get(kind, 0) + size_bytes
    return dict(sorted(occupancy.items()))
