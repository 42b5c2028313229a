"""What a unit's closed form answers: cycles and counted actions of one task."""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.config import Sram


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
