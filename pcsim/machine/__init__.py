"""When does each task run, given units, links and DRAM: integer cycles and counts."""

from pcsim.machine.activity import Activity as Activity
from pcsim.machine.activity import Count as Count
from pcsim.machine.activity import UnitTime as UnitTime
from pcsim.machine.critical_path import critical_path as critical_path
from pcsim.machine.lower_bound import LowerBound as LowerBound
from pcsim.machine.lower_bound import lower_bound as lower_bound
from pcsim.machine.recording import Recorder as Recorder
from pcsim.machine.recording import Recording as Recording
from pcsim.machine.recording import recording_of as recording_of
from pcsim.machine.simulate import simulate as simulate
