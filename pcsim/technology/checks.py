"""What in a hardware file can nobody price? Every such place at once."""

from __future__ import annotations

from collections.abc import Iterator

from pcsim.config import Hardware, Sram, problem_at
from pcsim.errors import InputError, Problem
from pcsim.technology.actions import UNITS, nearest, priced_of, quantity_of
from pcsim.technology.costs import Curve
from pcsim.technology.dram import DramKind
from pcsim.technology.overrides import EXAMPLES, given_quantity
from pcsim.technology.tables import Technology, available, table_key
from pcsim.units import format_quantity


def problems_of(hardware: Hardware) -> tuple[Problem, ...]:
    """Unknown names and costs, and memories of a size that the technology does not know."""
    return (*_unknown_names(hardware), *_wrong_costs(hardware), *_unpriced_banks(hardware))


def bank_bytes(sram: Sram) -> float:
    """The size of the macro that prices SRAM: one bank."""
    size_bytes = sram.priced_as_bytes if sram.size_bytes is None else sram.size_bytes
    assert size_bytes is not None, "config demands priced_as where the size is unlimited"
    return size_bytes / sram.banks


def _unknown_names(hardware: Hardware) -> Iterator[Problem]:
    try:
        Technology.load(hardware.technology)
    except InputError as error:
        yield from _placed(hardware, "technology", error)
    try:
        DramKind.load(hardware.dram.kind)
    except InputError as error:
        yield from _placed(hardware, "dram.kind", error)


def _placed(hardware: Hardware, path: str, error: InputError) -> Iterator[Problem]:
    """The problems of ``error``, shown at ``path`` unless they have a place of their own."""
    for problem in error.problems:
        if problem.file:
            yield problem
        else:
            yield problem_at(hardware, path, problem.message, hint=problem.hint)


def _wrong_costs(hardware: Hardware) -> Iterator[Problem]:
    priced = priced_of(hardware.tiles.compute)
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
    """One problem when a bank lies outside the table, unless the file prices SRAM itself."""
    if hardware.technology not in available():
        return
    sram = hardware.tiles.sram
    size = bank_bytes(sram)
    technology = Technology.load(hardware.technology)
    for key in ("sram.read_byte", "sram.write_byte", "leakage.sram", "area.sram"):
        curve = technology.costs.get(table_key(key, cell=sram.cell))
        if key in hardware.costs or not isinstance(curve, Curve) or curve.covers(size):
            continue
        low, high = (format_quantity(end, "B") for end in (curve.smallest, curve.largest))
        field = "priced_as" if sram.size_bytes is None else "size"
        message = (
            f"tiles.sram.{field} / tiles.sram.banks must be {low} to {high}, the macros that "
            f"{technology.name} prices, not {format_quantity(size, 'B')}"
        )
        hint = "choose another number of banks, or give costs of your own for sram"
        yield problem_at(hardware, f"tiles.sram.{field}", message, hint=hint)
        return
