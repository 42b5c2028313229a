"""From operations on layers to tasks on tiles: split products, multicasts, reduction trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pcsim.config import Formats
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
    formats: Formats,
    *,
    streamed: bool = False,
    buffered: bool = False,
    own_gradients: bool = False,
    adders: bool = False,
) -> Tasks:
    """The tasks of all operations of ``program``, in its order, on the tiles of ``groups``.

    ``streamed``: weights come for every use, unless they are still there, from DRAM or, ``buffered``, from the global
    buffer. ``own_gradients``: weight gradients have a compute unit of their own. ``adders``: partial sums have adders
    of their own.
    """
    ledger = Ledger(program, groups, mesh, formats)
    homes = Homes(ledger, buffered=buffered) if streamed else None
    on_tiles = OnTiles(ledger, homes, own_gradients=own_gradients)
    write: dict[Kind, Callable[[Op], None]] = {
        Kind.PRODUCT_FORWARD: on_tiles.product,
        Kind.PRODUCT_BACKWARD: on_tiles.product,
        Kind.WEIGHT_GRADIENT: on_tiles.product,
        Kind.ELEMENTWISE: on_tiles.elementwise,
        Kind.UPDATE: on_tiles.update,
        Kind.REDUCE: lambda op: reduce(ledger, op, adders=adders),
        Kind.EXCHANGE: Exchanges(ledger, homes).exchange,
    }
    for op in program.ops:
        ledger.begin(op)
        write[op.kind](op)
    ledger.connect()
    if homes is not None:
        homes.connect()
    return ledger.builder.build()
