"""What in a hardware file can nobody price? Every such place at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pcsim.config import GlobalBuffer, Hardware, Sram, problem_at
from pcsim.errors import Problem
from pcsim.technology.actions import BUFFER, UNITS, nearest, priced_of, quantity_of
from pcsim.technology.costs import Curve
from pcsim.technology.overrides import EXAMPLES, given_quantity
from pcsim.technology.tables import Technology, table_key
from pcsim.units import format_quantity

OF_SRAM = tuple(BUFFER.values())
"""The costs that depend on the size of a bank."""


def problems_of(hardware: Hardware) -> tuple[Problem, ...]:
    """Unknown costs, and memories of a size that the technology does not know."""
    return (*_wrong_costs(hardware), *_unpriced_banks(hardware))


def bank_bytes(memory: Sram | GlobalBuffer) -> float:
    """The size of the macro that prices a memory: one bank."""
    size_bytes = memory.size_bytes
    if isinstance(memory, Sram) and size_bytes is None:
        size_bytes = memory.priced_as_bytes
    assert size_bytes is not None, "config demands priced_as where the size is unlimited"
    return size_bytes / memory.banks


def _wrong_costs(hardware: Hardware) -> Iterator[Problem]:
    priced = priced_of(hardware)
    units = {**UNITS, **priced.energy, **priced.leakage, **priced.area}
    for key, cost in hardware.costs.items():
        path = f"costs.{key}"
        if key not in units:
            message = f"{path} must be the key of a cost, not {key!r}"
            yield problem_at(hardware, path, message, hint=nearest(key, units))
        elif given_quantity(cost) != quantity_of(key):
            quantity = quantity_of(key)
            message = f"{path} must give {quantity}, not {given_quantity(cost)}"
            hint = f"for example {quantity}: {EXAMPLES[quantity]}, per {units[key]}"
            yield problem_at(hardware, path, message, hint=hint)


def _unpriced_banks(hardware: Hardware) -> Iterator[Problem]:
    """One problem for each memory whose bank lies outside the table, unless the file prices it itself."""
    yield from _unpriced(hardware, hardware.tiles.sram, "tiles.sram", {key: key for key in OF_SRAM})
    if hardware.buffer is not None:
        yield from _unpriced(hardware, hardware.buffer, "buffer", BUFFER)


def _unpriced(
    hardware: Hardware, memory: Sram | GlobalBuffer, path: str, keys: Mapping[str, str]
) -> Iterator[Problem]:
    """``keys``: the costs of the memory -> those of SRAM in the table that price them."""
    size = bank_bytes(memory)
    technology = Technology.load(hardware.technology)
    for key, tabled in keys.items():
        curve = technology.costs.get(table_key(tabled, cell=memory.cell))
        if key in hardware.costs or not isinstance(curve, Curve) or curve.covers(size):
            continue
        low, high = (format_quantity(end, "B") for end in (curve.smallest, curve.largest))
        field = "priced_as" if memory.size_bytes is None else "size"
        message = (
            f"{path}.{field} / {path}.banks must be {low} to {high}, the macros that "
            f"{technology.name} prices, not {format_quantity(size, 'B')}"
        )
        name = path.rpartition(".")[2]
        hint = f"choose another number of banks, or give costs of your own for {name}"
        yield problem_at(hardware, f"{path}.{field}", message, hint=hint)
        return
