"""What does one update or inference cost? Activity and bill, in the units people compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcsim.units import Rate
from pcsim.verdict.result import Cost

if TYPE_CHECKING:
    from pcsim.machine.activity import Activity
    from pcsim.technology import Bill


def cost_of(activity: Activity, bill: Bill, *, clock_hz: Rate, cycles_cold: int | None) -> Cost:
    """The cost of the run that ``activity`` counted and ``bill`` priced.

    ``cycles_cold`` is the makespan of the same run from an empty chip, None where there is none.
    """
    return Cost(
        macs=activity.macs,
        cycles=activity.makespan_cycles,
        cycles_cold=cycles_cold,
        latency_s=float(activity.makespan_cycles / clock_hz),
        energy_j=bill.energy_j,
        static_energy_j=bill.static_energy_j,
        energy_by_component_j=bill.by_component(),
        bytes={
            "sram": activity.sram_bytes,
            "noc": activity.noc_bytes,
            "dram": activity.dram_bytes,
            **({"buffer": activity.buffer_bytes} if activity.peak_buffer_bytes else {}),
        },
        utilization=activity.utilization,
    )
