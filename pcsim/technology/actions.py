"""What can be priced: every action of every component, every block that leaks and takes area.

The keys are those of the tables and of ``costs:`` in a hardware file; the values are the units that
the machine counts in, so a price always means joules per one such unit.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pcsim.config import Hardware
from pcsim.machine.units import form_of

ENERGY_UNITS = {
    "array.mac": "mac",
    "array.mac_backward": "mac",
    "array.mac_gradient": "mac",
    "array.pipeline_registers": "mac",
    "array.operand_hop": "word hop",
    "array.weight_load": "word PE",
    "array.idle_pe": "PE cycle",
    "array.step": "array cycle",
    "array.line_pulse": "line pulse",
    "array.cell_read": "cell read",
    "array.conversion": "conversion",
    "array.shift_add": "shift-add",
    "array.cell_write": "cell write",
    "vector.add": "element",
    "vector.mul": "element",
    "vector.relu": "element",
    "vector.relu_derivative": "element",
    "vector.tanh": "element",
    "vector.tanh_derivative": "element",
    "vector.leaky_relu": "element",
    "vector.leaky_relu_derivative": "element",
    "vector.gelu": "element",
    "vector.gelu_derivative": "element",
    "vector.softmax": "element",
    "vector.adam": "element",
    "vector.lane_op": "lane operation",
    "vector.instruction": "instruction",
    "update.sgd": "parameter",
    "update.momentum": "parameter",
    "update.adam": "parameter",
    "update.adamw": "parameter",
    "update.lane_op": "lane operation",
    "update.instruction": "instruction",
    "sram.read_byte": "byte",
    "sram.write_byte": "byte",
    "buffer.read_byte": "byte",
    "buffer.write_byte": "byte",
    "line_buffer.byte": "byte",
    "noc.router_byte": "byte",
    "noc.link_byte": "byte",
    "noc.interface_byte": "byte",
    "dma.byte": "byte",
    "dma.descriptor": "descriptor",
    "dram.read_byte": "byte",
    "dram.write_byte": "byte",
    "dram.activate": "row",
    "clock.array": "array cycle",
    "clock.vector": "unit cycle",
    "clock.update": "unit cycle",
    "clock.router_byte": "byte",
}
"""Energy key -> the unit that one count stands for."""

MAC_ACTIONS = ("mac", "mac_backward", "mac_gradient")
"""Multiply-accumulates: of the forward product's formats, and of the others' where those differ."""

LEAKAGE_UNITS = {
    "leakage.array": "PE",
    "leakage.cell": "cell",
    "leakage.converter": "converter",
    "leakage.driver": "driver",
    "leakage.vector": "lane",
    "leakage.update": "lane",
    "leakage.sram": "bank",
    "leakage.buffer": "bank",
    "leakage.noc": "router",
    "leakage.dma": "engine",
    "leakage.dram_standby": "channel",
}
"""Leakage key -> the piece of hardware that the power belongs to."""

ARITHMETIC_UNITS = {"energy": "op", "area": "unit"}
"""What one number of a table's ``arithmetic`` stands for; a flip-flop's area is per bit."""

AREA_UNITS = {
    f"area.{key.partition('.')[2]}": unit
    for key, unit in LEAKAGE_UNITS.items()
    if key != "leakage.dram_standby"
}
"""Area key -> the piece of hardware that the area belongs to. DRAM is another chip."""

UNITS = ENERGY_UNITS | LEAKAGE_UNITS | AREA_UNITS

SI = {"energy": "J", "power": "W", "area": "m2"}
"""Quantity -> the unit that it is held in."""

COMPONENTS = tuple(dict.fromkeys(key.partition(".")[0] for key in ENERGY_UNITS))
"""The order in which a bill lists components; ``leakage`` and ``dram_standby`` follow."""


def block_of(key: str) -> str:
    """The block of the chip that ``key`` is about: ``array`` of array.mac, leakage.array and clock.array."""
    component, _, rest = key.partition(".")
    return rest if component in ("leakage", "area", "clock") else component


ANALOG = frozenset(
    (
        *(f"array.{action}" for action in ("line_pulse", "cell_read", "conversion")),
        *("array.shift_add", "array.cell_write"),
        *(
            f"{of}.{block}"
            for of in ("leakage", "area")
            for block in ("cell", "converter", "driver")
        ),
    )
)
"""Costs of crossbars, which no technology holds: they come from a table of their own."""

COMMON = frozenset(("vector", "update", "sram", "noc", "dma", "dram", "dram_standby", "clock"))
"""Components and blocks of every chip, whatever its compute units are."""

BUFFER = {
    "buffer.read_byte": "sram.read_byte",
    "buffer.write_byte": "sram.write_byte",
    "leakage.buffer": "leakage.sram",
    "area.buffer": "area.sram",
}
"""Costs of a global buffer, which only chips that have one need -> the costs of SRAM that its banks are priced by."""

LINE_BUFFER = {"line_buffer.byte": "dma.byte"}
"""What a line buffer hands to the array, which only chips that have one need -> the cost that prices it: as in a DMA
engine a byte passes two stages of a FIFO and a counter of addresses."""

PRICED_AS = BUFFER | LINE_BUFFER
"""Costs that no table has -> those that price them."""


@dataclass(frozen=True)
class Priced:
    """What must be priced of one chip: key -> the unit that one count, or one piece, stands for."""

    energy: Mapping[str, str]
    leakage: Mapping[str, str]
    area: Mapping[str, str]


def priced_of(hardware: Hardware) -> Priced:
    """What a chip counts and is made of: nothing of other kinds of compute units, nor of memories that it lacks."""
    form = form_of(hardware.tiles.compute)
    there = {"buffer": hardware.buffer is not None, "line_buffer": hardware.tiles.sram.line_buffer}
    everywhere = COMMON | {component for component, has in there.items() if has}

    def own(units: Mapping[str, str], mine: Mapping[str, str], prefix: str) -> dict[str, str]:
        """Of all known keys those of this chip, in their order, and those that an extension adds."""
        mine = {f"{prefix}.{word}": unit for word, unit in mine.items()}
        common = {
            key: unit
            for key, unit in units.items()
            if key in mine or key.partition(".")[0 if prefix == "array" else 2] in everywhere
        }
        return {**common, **mine}

    return Priced(
        energy=own(ENERGY_UNITS, form.actions, "array"),
        leakage=own(LEAKAGE_UNITS, form.blocks, "leakage"),
        area=own(AREA_UNITS, form.blocks, "area"),
    )


FORMAT_DEPENDENT = frozenset(
    key
    for key in UNITS
    if block_of(key) in ("array", "vector", "update")
    and key not in ("array.step", "vector.instruction", "update.instruction")
    and key not in ANALOG
)
"""Costs of a datapath: they depend on the number formats that it works in."""


def quantity_of(key: str) -> str:
    """Which quantity prices ``key``: ``energy``, ``power`` or ``area``."""
    return {"leakage": "power", "area": "area"}.get(key.partition(".")[0], "energy")


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint that names the closest of ``words``, or all of them when none is close."""
    known = sorted(words)
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
