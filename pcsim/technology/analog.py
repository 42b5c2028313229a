"""What do the analog parts of a crossbar cost? Cells, drivers and converters, from one table for every technology.

Reading cells and driving lines is priced in proportion to the time of a read, a converter by its bits. Leaves
out: scaling to other nodes than the published one, which analog parts hardly follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pcsim.config import Crossbar
from pcsim.technology.actions import ANALOG, UNITS, quantity_of
from pcsim.technology.costs import UnitCost
from pcsim.technology.reading import CostReader, read_table, wrong

SCHEMA = "pcsim/analog/1"


@dataclass(frozen=True)
class AnalogParts:
    """The published ``parts`` by key of their price."""

    sources: Mapping[str, str]
    parts: Mapping[str, UnitCost]

    @classmethod
    def load(cls) -> AnalogParts:
        """The shipped table."""
        return _load()

    def costs(self, crossbar: Crossbar) -> dict[str, UnitCost]:
        """Prices for this crossbar, per counted unit."""
        bits, read = resolution(crossbar.analog.adc_bits), crossbar.read_s / 100e-9
        factors = {
            "8-bit conversion": bits,
            "8-bit converter": bits,
            "line pulse of 100 ns": read,
            "cell read of 100 ns": read,
        }
        return {
            key: part.scaled(factors[part.per], per=UNITS[key]) if part.per in factors else part
            for key, part in self.parts.items()
        }


def resolution(bits: int) -> float:
    """Energy and area of a converter of ``bits``, relative to one of 8.

    Twice as much for every 4 bits up to 10, within 6 % of ISAAC's rows for 4, 6, 8 and 10 bits; four times
    as much for each further bit, as thermal noise has it (assumed).
    """
    return float(2 ** ((min(bits, 10) - 8) / 4) * 4 ** max(0, bits - 10))


@cache
def _load() -> AnalogParts:
    table = read_table("analog", schema=SCHEMA)
    sources = {key: " ".join(text.split()) for key, text in table["sources"].items()}
    reader = CostReader("analog", sources)
    parts: dict[str, UnitCost] = {}
    for key, raw in table["parts"].items():
        if key not in ANALOG:
            raise wrong("analog", f"parts must be of {', '.join(sorted(ANALOG))}, not {key!r}")
        cost = reader.cost(raw, key=key, quantity=quantity_of(key))
        if not isinstance(cost, UnitCost):
            raise wrong("analog", f"{key} must not depend on a size")
        parts[key] = cost
    return AnalogParts(sources, parts)
