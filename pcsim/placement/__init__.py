"""Which tile holds which slice, what is resident, which route a transfer takes; does it fit?"""

from pcsim.placement.allocate import Allocation as Allocation
from pcsim.placement.allocate import allocations as allocations
from pcsim.placement.allocate import near as near
from pcsim.placement.groups import Group as Group
from pcsim.placement.groups import Slice as Slice
from pcsim.placement.place import Placement as Placement
from pcsim.placement.place import Space as Space
from pcsim.placement.place import laid_out as laid_out
from pcsim.placement.place import place as place
from pcsim.placement.place import place_like as place_like
from pcsim.placement.place import space as space
from pcsim.placement.routes import BETWEEN_ROUTERS as BETWEEN_ROUTERS
from pcsim.placement.routes import Link as Link
from pcsim.placement.routes import Route as Route
from pcsim.placement.tasks import PHASES as PHASES
from pcsim.placement.tasks import SETUP as SETUP
from pcsim.placement.tasks import TaskKind as TaskKind
from pcsim.placement.tasks import Tasks as Tasks
from pcsim.placement.tasks import Unit as Unit
from pcsim.placement.topologies import TOPOLOGIES as TOPOLOGIES
from pcsim.placement.topologies import Mesh as Mesh
from pcsim.placement.topologies import Topology as Topology
from pcsim.placement.topologies import topology_of as topology_of
