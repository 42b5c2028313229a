"""What does the house ask of a kind of compute unit? Its closed forms, and what they count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pcsim.config import Formats, Hardware
from pcsim.machine.units.work import Actions, Product, Weights, Work, mac_action, sram_cycles
from pcsim.units import Rate

MAC_ACTIONS: Mapping[str, str] = {
    "mac": "mac",
    "mac_backward": "mac",
    "mac_gradient": "mac",
    "pipeline_registers": "mac",
    "operand_hop": "word hop",
    "idle_pe": "PE cycle",
    "step": "array cycle",
}
"""What every digital unit counts: multiply-accumulates, the registers around them, words carried from
cell to cell or past a lane, cells that wait, and cycles of the sequencer."""

PE_BLOCKS: Mapping[str, str] = {"array": "PE"}
"""The one block of a digital unit: a multiply-accumulate with its registers."""


def one_a_cell(unit: Any, chip: Hardware) -> Rate:
    """Every cell of a digital unit makes one multiply-accumulate a cycle."""
    return int(unit.cells(chip.tiles.formats))


def one_cycle(_unit: Any, _chip: Hardware) -> int:
    """What a unit gives, it gives a cycle after it took the first operand at the earliest."""
    return 1


def nothing_more(_weights: Weights, _unit: Any, _chip: Hardware) -> Work:
    """An update changes weights in SRAM, which the update unit has done."""
    return Work(0, ())


@dataclass(frozen=True)
class Form:
    """One kind of compute unit, as the machine times it and technology prices it.

    ``product(task, unit, chip)`` is the work of one product; ``unit`` is the section of ``chip`` that
    ``kind`` chose. ``write(weights, unit, chip)`` is what an update of weights costs beyond the update
    unit's own work, which it prolongs. ``actions`` are the actions of component ``array`` that these may
    count, and what one of each is; ``blocks`` the pieces that leak and take area, and what one is;
    ``pieces(unit, formats)`` how many of each a tile has. ``peak(unit, chip)`` are the multiply-accumulates that
    one unit makes in a cycle while it is fully busy; utilization is a share of these, so that it can come to 100 %.
    ``first(unit, chip)``: no product gives a result in fewer cycles after its first operand came.

    Contract, which tests hold for every kind that comes along: cycles and counts are whole numbers that
    depend on sizes alone, never on data; cycles >= macs / ``peak``, and >= ``first``; slices of a product take no
    fewer cycles in all than the product where memory keeps up; nothing is counted that ``actions`` does not name.
    """

    product: Callable[[Product, Any, Hardware], Work]
    pieces: Callable[[Any, Formats], Mapping[str, int]]
    write: Callable[[Weights, Any, Hardware], Work] = nothing_more
    actions: Mapping[str, str] = field(default_factory=lambda: MAC_ACTIONS)
    blocks: Mapping[str, str] = field(default_factory=lambda: PE_BLOCKS)
    peak: Callable[[Any, Hardware], Rate] = one_a_cell
    first: Callable[[Any, Hardware], int] = one_cycle


def written_twice(weights: Weights, unit: Any, chip: Hardware) -> Work:
    """What keeps W^T beside W writes it, too; the update unit's ports are busy so much longer."""
    if not (weights.both_ways and unit.copies_weights):
        return Work(0, ())
    size = chip.tiles.formats.weight.storage_bytes(weights.n_in * weights.n_out)
    return Work(sram_cycles(size, chip.tiles.sram), (("sram", "write_byte", size),))


def digital_actions(
    task: Product, cycles: int, cells: int, chip: Hardware, *, hops: int
) -> Actions:
    """What a digital unit counts in ``task``, which takes ``cycles`` of its ``cells``."""
    return (
        ("array", mac_action(chip.tiles.formats, task.operands), task.macs),
        ("array", "pipeline_registers", task.macs),
        ("array", "operand_hop", hops),
        ("array", "idle_pe", cells * cycles - task.macs),
        ("array", "step", cycles),
    )
