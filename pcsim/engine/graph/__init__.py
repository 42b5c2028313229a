"""How does a network that is a graph relax and learn? Any network of ``pcsim.network``, node by node."""

from pcsim.engine.graph.inference import GraphResult as GraphResult
from pcsim.engine.graph.inference import backpropagate as backpropagate
from pcsim.engine.graph.inference import infer as infer
from pcsim.engine.graph.model import GraphNetwork as GraphNetwork
from pcsim.engine.graph.model import initial_weights as initial_weights
