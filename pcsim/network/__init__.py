"""Which values does a network have, what predicts each of them, and what follows from that alone?"""

from pcsim.network.blocks import described as described
from pcsim.network.build import DescriptionError as DescriptionError
from pcsim.network.build import Mistake as Mistake
from pcsim.network.build import graph_of as graph_of
from pcsim.network.chains import chain as chain
from pcsim.network.credit import Credit as Credit
from pcsim.network.credit import credited_in_chain as credited_in_chain
from pcsim.network.fronts import Fronts as Fronts
from pcsim.network.fronts import colours as colours
from pcsim.network.fronts import fronts as fronts
from pcsim.network.graph import INPUT as INPUT
from pcsim.network.graph import Branch as Branch
from pcsim.network.graph import Graph as Graph
from pcsim.network.graph import Node as Node
from pcsim.network.graph import Term as Term
from pcsim.network.rules import RULES as RULES
from pcsim.network.rules import Rule as Rule
from pcsim.network.rules import credited as credited
from pcsim.network.scaling import has_attention as has_attention
from pcsim.network.scaling import scaled as scaled
