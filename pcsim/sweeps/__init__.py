"""Many points, one table: the whole line at every combination of values."""

from pcsim.sweeps.axes import Axis as Axis
from pcsim.sweeps.axes import parse_axis as parse_axis
from pcsim.sweeps.output import write_sweep as write_sweep
from pcsim.sweeps.sweep import COLUMNS as COLUMNS
from pcsim.sweeps.sweep import sweep as sweep
