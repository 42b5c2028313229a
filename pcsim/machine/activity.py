"""What the chip did: the value that leaves the machine.

Everything is an integer number of cycles, bytes or actions. Joules come later, in technology.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pcsim.units import Rate


class Count(NamedTuple):
    """What was counted: ``action`` of ``component`` on behalf of ``layer`` in ``stage``.

    ``layer`` is 1-based. ``stage`` is one of ``data``, ``forward``, ``inference``, ``backward``,
    ``update``.
    """

    component: str
    action: str
    layer: int
    stage: str


@dataclass(frozen=True)
class UnitTime:
    """How one unit spent the makespan: ``busy + sum(stalled) + finished == makespan``.

    ``stalled`` maps the kind of unit that was waited for (array, vector, update, noc, dram, buffer; wake: the
    unit's own supply) to cycles; ``finished`` is the time after the unit's last task.
    """

    name: str
    kind: str
    tile: int
    busy_cycles: int
    stalled_cycles: Mapping[str, int]
    finished_cycles: int


@dataclass(frozen=True)
class Activity:
    """One simulated run of a program on a chip, from a drained machine to a drained machine.

    ``link_bytes`` maps a directed link ``(from tile, to tile)`` to the payload bytes that crossed
    it. ``noc_bytes`` are the bytes delivered from tile to tile, each copy of a multicast counted;
    ``dram_bytes``, ``sram_bytes`` and ``buffer_bytes`` are the bytes read and written there.
    ``peak_bytes`` is the peak occupancy of each tile's SRAM, ``peak_buffer_bytes`` that of the global
    buffer. ``macs`` are the multiply-accumulates executed by arrays.
    """

    makespan_cycles: int
    counts: Mapping[Count, int]
    units: tuple[UnitTime, ...]
    link_bytes: Mapping[tuple[int, int], int]
    peak_bytes: Mapping[int, int]
    noc_bytes: int
    dram_bytes: int
    sram_bytes: int
    macs: int
    array_cells: Rate
    """Multiply-accumulates that all compute units of the chip make in a cycle while fully busy, of digital ones one for
    each cell: utilization = macs / (these x makespan)."""
    gated_cycles: Mapping[str, int] = field(default_factory=dict)
    """Kind of unit -> unit cycles in which units of the whole chip were cut from their supply, idle ones included."""

    buffer_bytes: int = 0
    peak_buffer_bytes: int = 0

    @property
    def utilization(self) -> float:
        """Multiply-accumulates done, as a fraction of those that all compute units could have done meanwhile."""
        if not self.makespan_cycles:
            return 0.0
        return float(self.macs / (self.array_cells * self.makespan_cycles))
