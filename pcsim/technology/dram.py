"""What does DRAM cost: energy per byte by kind, and power for as long as the chip runs.

Where a chip says how long its rows are, their activations are counted and priced apart from bytes. Leaves out:
row activation where rows are not counted and a kind's read does not hold it (lpddr4, ddr4), power-down and
self-refresh, turnaround between reads and writes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pcsim.config import Dram
from pcsim.config.fields import did_you_mean
from pcsim.errors import InputError, Problem
from pcsim.technology.costs import UnitCost, total
from pcsim.technology.reading import CostReader, read_table, wrong
from pcsim.units import parse_size

SCHEMA = "pcsim/dram/1"


@dataclass(frozen=True)
class DramKind:
    """One kind of DRAM: its published ``parts``, and which of them add up to each price.

    ``burst_read`` and ``burst_write`` are the prices of bytes where rows are counted: without activation.
    """

    name: str
    sources: Mapping[str, str]
    parts: Mapping[str, UnitCost]
    read_byte: tuple[str, ...]
    write_byte: tuple[str, ...]
    burst_read: tuple[str, ...]
    burst_write: tuple[str, ...]
    standby: tuple[str, ...]

    @classmethod
    def load(cls, kind: str) -> DramKind:
        """The kind of that name. Raises InputError when the table has none."""
        kinds = _load()
        if kind not in kinds:
            message = f"dram.kind must be one of {', '.join(kinds)}, not {kind!r}"
            raise InputError((Problem(message=message, hint=did_you_mean(kind, kinds)),))
        return kinds[kind]

    def costs(self, dram: Dram) -> dict[str, UnitCost]:
        """Prices for this chip's DRAM: per byte read and written, per row, and power per channel.

        A row of another size than the published page pays by its bytes: more devices, or a part of them.
        """
        rows = dram.rows is not None
        reading = self.burst_read if rows else self.read_byte
        writing = self.burst_write if rows else self.write_byte
        read = total({name: self.parts[name] for name in reading})
        write = total({name: self.parts[name] for name in writing})
        page = self.parts["activate"]
        row_bytes = parse_size(page.per) if dram.rows is None else dram.rows.size_bytes
        power = total({name: self._per_channel(name, dram) for name in self.standby})
        return {
            "dram.read_byte": read.scaled(8, per="byte"),
            "dram.write_byte": write.scaled(8, per="byte"),
            "dram.activate": page.scaled(row_bytes / parse_size(page.per), per="row"),
            "leakage.dram_standby": power,
        }

    def _per_channel(self, name: str, dram: Dram) -> UnitCost:
        """Power of one channel: by capacity, or its share of the stacks that the channels need."""
        cost = self.parts[name]
        amount, _, unit = cost.per.partition(" ")
        if unit == "channels":
            stacks = math.ceil(dram.channels / int(amount))
            return cost.scaled(stacks / dram.channels, per="channel")
        return cost.scaled(dram.capacity_bytes / parse_size(cost.per), per="channel")


def dram_kinds() -> tuple[str, ...]:
    """The kinds that a hardware file may name."""
    return tuple(_load())


@cache
def _load() -> dict[str, DramKind]:
    table = read_table("dram", schema=SCHEMA)
    sources = {key: " ".join(text.split()) for key, text in table["sources"].items()}
    reader = CostReader("dram", sources)
    kinds = {}
    for name, raw in table["kinds"].items():
        parts = {}
        for part, own in raw["parts"].items():
            quantity = "power" if "power" in own else "energy"
            cost = reader.cost(own, key=f"kinds.{name}.parts.{part}", quantity=quantity)
            if not isinstance(cost, UnitCost):
                raise wrong("dram", f"kinds.{name}.parts.{part} must not depend on a size")
            parts[part] = cost
        bursts = raw.get("with_rows", raw["energy"])
        kinds[name] = DramKind(
            name=name,
            sources=sources,
            parts=parts,
            read_byte=tuple(raw["energy"]["read_byte"]),
            write_byte=tuple(raw["energy"]["write_byte"]),
            burst_read=tuple(bursts["read_byte"]),
            burst_write=tuple(bursts["write_byte"]),
            standby=tuple(raw["standby"]),
        )
    return kinds
