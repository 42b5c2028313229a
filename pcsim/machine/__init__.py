"""When does each task run, given units, links and DRAM: integer cycles and counts."""

from pcsim.machine.activity import Activity as Activity
from pcsim.machine.activity import Count as Count
from pcsim.machine.activity import UnitTime as UnitTime
from pcsim.machine.simulate import simulate as simulate
