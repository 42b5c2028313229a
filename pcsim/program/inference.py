"""Plain inference as a program: the feed-forward pass of one batch, outputs sent to DRAM."""

from __future__ import annotations

from pcsim.network import Graph
from pcsim.program.cutting import cut
from pcsim.program.forward import forward_start
from pcsim.program.memory import keep
from pcsim.program.ops import Phase, Place, Program, Role
from pcsim.program.script import Newest
from pcsim.program.writer import Writer


def inference(graph: Graph, *, batch: int) -> Program:
    """Predictions of one batch; the same for every learning rule."""
    parts = cut(graph)
    writer = Writer(parts, batch=batch, optimiser=None)
    writer.load(with_target=False)
    place = Place(Phase.START, "forward")
    for prediction in parts.predictions:
        forward_start(writer, prediction, place)
    output = parts.predictions[-1]
    done = [Newest("state", output.node.number)]
    writer.exchange(Role.OUTPUT, output.home, Place(Phase.START, "data"), output.size, done)
    keep(writer, learning=False)
    return writer.build("inference", steps=0, credited=())
