"""What can be priced: every action of every component, every block that leaks and takes area.

The keys are those of the tables and of ``costs:`` in a hardware file; the values are the units that
the machine counts in, so a price always means joules per one such unit.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

ENERGY_UNITS = {
    "array.mac": "mac",
    "array.mac_backward": "mac",
    "array.mac_gradient": "mac",
    "array.pipeline_registers": "mac",
    "array.operand_hop": "word hop",
    "array.weight_load": "word PE",
    "array.idle_pe": "PE cycle",
    "array.step": "array cycle",
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
    "noc.router_byte": "byte",
    "noc.link_byte": "byte",
    "noc.interface_byte": "byte",
    "dma.byte": "byte",
    "dma.descriptor": "descriptor",
    "dram.read_byte": "byte",
    "dram.write_byte": "byte",
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
    "leakage.vector": "lane",
    "leakage.update": "lane",
    "leakage.sram": "bank",
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


FORMAT_DEPENDENT = frozenset(
    key
    for key in UNITS
    if block_of(key) in ("array", "vector", "update")
    and key not in ("array.step", "vector.instruction", "update.instruction")
)
"""Costs of a datapath: they depend on the number formats that it works in."""


def quantity_of(key: str) -> str:
    """Which quantity prices ``key``: ``energy``, ``power`` or ``area``."""
    if key in LEAKAGE_UNITS:
        return "power"
    return "area" if key in AREA_UNITS else "energy"


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint that names the closest of ``words``, or all of them when none is close."""
    known = sorted(words)
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
