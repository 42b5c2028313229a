"""Partial sums of a slice meet at its first tile.

Where tiles have adders they walk down a chain: each tile adds its own to what comes from the tile before, row by
row, and sends the sums on. Where the vector unit adds, a binary tree has fewer stages that wait for one another:
half of the partial sums travel, are added where they arrive, and so on.
"""

from __future__ import annotations

import itertools

from pcsim.config import Value
from pcsim.placement.ledger import Ledger
from pcsim.placement.portions import lines_of
from pcsim.placement.tasks import Ready, TaskKind, Unit
from pcsim.program import Op
from pcsim.program.kernels import ADD_PARTIAL_SUMS


def reduce(ledger: Ledger, op: Op, *, adders: bool) -> None:
    """Every sum of ``op``, from all tiles that have a part of it to the first."""
    for tiles, words in lines_of(op, ledger.groups[op.layer], ledger.program.batch):
        if len(tiles) == 1:
            ledger.passed[op.key].add(tiles[0])
        elif adders:
            _chain(ledger, op, tiles, words)
        else:
            _tree(ledger, op, tiles, words)


def _chain(ledger: Ledger, op: Op, tiles: list[int], words: int) -> None:
    size_bytes, flow = ledger.formats.of(Value.ACCUMULATE).storage_bytes(words), ledger.flow(op)
    partial: Ready | None = None
    for there, here in itertools.pairwise(reversed(tiles)):
        sent = ledger.builder.add(
            op,
            Unit("dma", there, "partial sums"),
            TaskKind.TRANSFER,
            needs=[partial] if partial else (),
            flow=flow,
            size_bytes=size_bytes,
            targets=(here,),
        )
        if partial is None:
            ledger.wait(sent, op, there)
        partial = ledger.builder.add(
            op,
            Unit("adder", here),
            TaskKind.ELEMENTWISE,
            needs=[sent],
            flow=flow,
            elements=words,
            kernel=op.kernel if here == tiles[0] else ADD_PARTIAL_SUMS,
        )
        ledger.wait(partial, op, here)
    assert partial is not None
    ledger.at(op, tiles[0], partial)


def _tree(ledger: Ledger, op: Op, tiles: list[int], words: int) -> None:
    flow = ledger.flow(op)
    size_bytes = ledger.formats.of(Value.ACCUMULATE).storage_bytes(words)
    partial: dict[int, Ready] = {}
    distance = 1
    while distance < len(tiles):
        for position in range(0, len(tiles) - distance, 2 * distance):
            here, there = tiles[position], tiles[position + distance]
            sent = ledger.builder.add(
                op,
                Unit("dma", there, "partial sums"),
                TaskKind.TRANSFER,
                needs=[partial[there]] if there in partial else (),
                flow=flow,
                size_bytes=size_bytes,
                targets=(here,),
            )
            if there not in partial:
                ledger.wait(sent, op, there)
            added = ledger.builder.add(
                op,
                Unit("vector", here),
                TaskKind.ELEMENTWISE,
                needs=[sent, *([partial[here]] if here in partial else ())],
                flow=flow,
                elements=words,
                kernel=op.kernel if 2 * distance >= len(tiles) else ADD_PARTIAL_SUMS,
            )
            if here not in partial:
                ledger.wait(added, op, here)
            partial[here] = added
        distance *= 2
    ledger.at(op, tiles[0], partial[tiles[0]])
