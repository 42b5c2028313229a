"""Which kinds of compute units are there, and what can be said of each in a file?"""

from pcsim.config.compute.crossbar import Crossbar as Crossbar
from pcsim.config.compute.kinds import KINDS as KINDS
from pcsim.config.compute.kinds import add_kind as add_kind
from pcsim.config.compute.kinds import chosen_by_kind as chosen_by_kind
from pcsim.config.compute.serial import Serial as Serial
from pcsim.config.compute.simd import Simd as Simd
from pcsim.config.compute.systolic import Systolic as Systolic
from pcsim.config.compute.unit import ComputeUnit as ComputeUnit
from pcsim.config.compute.unit import DigitalUnit as DigitalUnit
