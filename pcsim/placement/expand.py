"""From operations on layers to tasks on tiles: split products, multicasts, reduction trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pcsim.config import Tiles
from pcsim.placement.exchanges import Exchanges
from pcsim.placement.groups import Group
from pcsim.placement.homes import Homes
from pcsim.placement.ledger import Ledger
from pcsim.placement.on_tiles import OnTiles
from pcsim.placement.reductions import reduce
from pcsim.placement.tasks import Tasks
from pcsim.placement.topologies import Topology
from pcsim.program import Kind, Op, Program


def expand(
    program: Program,
    groups: Mapping[int, Group],
    mesh: Topology,
    tiles: Tiles,
) -> Tasks:
    """The tasks of all operations of ``program``, in its order, on those of the ``tiles`` that ``groups`` name."""
    ledger = Ledger(program, groups, mesh, tiles.formats)
    homes = Homes(ledger, buffered=tiles.sram.weights == "buffered") if tiles.sram.streams else None
    on_tiles = OnTiles(
        ledger,
        homes,
        own_gradients=tiles.gradients == "own",
        line_buffer=tiles.sram.line_buffer,
    )
    write: dict[Kind, Callable[[Op], None]] = {
        Kind.PRODUCT_FORWARD: on_tiles.product,
        Kind.PRODUCT_BACKWARD: on_tiles.product,
        Kind.WEIGHT_GRADIENT: on_tiles.product,
        Kind.ELEMENTWISE: on_tiles.elementwise,
        Kind.UPDATE: on_tiles.update,
        Kind.REDUCE: lambda op: reduce(ledger, op, adders=tiles.adder is not None),
        Kind.EXCHANGE: Exchanges(ledger, homes).exchange,
    }
    for op in program.ops:
        ledger.begin(op)
        write[op.kind](op)
    ledger.connect()
    if homes is not None:
        homes.connect()
    return ledger.builder.build()
