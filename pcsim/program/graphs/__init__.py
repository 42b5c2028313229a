"""Programs of networks that are graphs."""

from pcsim.program.graphs.backpropagation import graph_backpropagation as graph_backpropagation
from pcsim.program.graphs.inference import graph_inference as graph_inference
from pcsim.program.graphs.ordered import (
    graph_ordered_predictive_coding as graph_ordered_predictive_coding,
)
from pcsim.program.graphs.predictive_coding import (
    graph_predictive_coding as graph_predictive_coding,
)
from pcsim.program.graphs.relaxing import Options as Options

__all__ = [
    "Options",
    "graph_backpropagation",
    "graph_inference",
    "graph_ordered_predictive_coding",
    "graph_predictive_coding",
]
