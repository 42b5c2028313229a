"""What a unit's closed form answers: cycles and counted actions of one task."""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.config import Formats, Sram, Value
from pcsim.program import PRODUCTS, Kind, Operands


@dataclass(frozen=True)
class Work:
    """One task on a private unit.

    ``cycles`` it occupies the unit; ``actions`` are (component, action, amount) triples as technology
    prices them; ``macs`` the multiply-accumulates among them.
    """

    cycles: int
    actions: tuple[tuple[str, str, int], ...]
    macs: int = 0


def sram_cycles(size_bytes: int, sram: Sram) -> int:
    """Cycles to move ``size_bytes`` through all banks of the tile's SRAM: size / (banks x port).

    Left out: bank conflicts, and units of one tile competing for a bank.
    """
    if sram.port_bytes_per_cycle is None:
        return 0
    return -(-size_bytes // (sram.banks * sram.port_bytes_per_cycle))


def mac_action(formats: Formats, operands: Operands) -> str:
    """The name under which a product's multiply-accumulates are counted.

    ``mac`` where they are of the formats of a forward product, in whichever order; apart otherwise, as
    they cost something else.
    """
    if _multiplied(formats, operands) == _multiplied(formats, PRODUCTS[Kind.PRODUCT_FORWARD]):
        return "mac"
    return "mac_gradient" if operands.stationary is Value.STATE else "mac_backward"


def _multiplied(formats: Formats, operands: Operands) -> list[str]:
    return sorted((formats.of(operands.streamed).name, formats.of(operands.stationary).name))
