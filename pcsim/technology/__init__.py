"""What does a count cost, where does the number come from, what leaks, how big is it."""

from pcsim.technology.bill import COMPONENT_ORDER as COMPONENT_ORDER
from pcsim.technology.bill import Bill as Bill
from pcsim.technology.bill import BillLine as BillLine
from pcsim.technology.bill import bill as bill
from pcsim.technology.checks import problems_of as problems_of
from pcsim.technology.dram import DramKind as DramKind
from pcsim.technology.dram import dram_kinds as dram_kinds
from pcsim.technology.macros import Macro as Macro
from pcsim.technology.macros import Macros as Macros
from pcsim.technology.macros import macros_markdown as macros_markdown
from pcsim.technology.prices import missing_of as missing_of
from pcsim.technology.prices import price_list as price_list
from pcsim.technology.ranges import ratio_range as ratio_range
from pcsim.technology.ranges import uncertain_keys as uncertain_keys
from pcsim.technology.tables import Technology as Technology
from pcsim.technology.tables import available as available
from pcsim.technology.values import Area as Area
from pcsim.technology.values import Leak as Leak
from pcsim.technology.values import Price as Price
from pcsim.technology.values import PriceList as PriceList
