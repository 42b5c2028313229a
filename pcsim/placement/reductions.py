"""Partial sums of a slice meet on a binary tree over its tiles.

Half of them travel, are added where they arrive, and so on.
"""

from __future__ import annotations

from pcsim.config import Value
from pcsim.placement.ledger import Ledger
from pcsim.placement.portions import lines_of
from pcsim.placement.tasks import Ready, TaskKind, Unit
from pcsim.program import Op
from pcsim.program.kernels import ADD_PARTIAL_SUMS


def reduce(ledger: Ledger, op: Op) -> None:
    """Every sum of ``op``, from all tiles that have a part of it to the first."""
    for tiles, words in lines_of(op, ledger.groups[op.layer], ledger.program.batch):
        _tree(ledger, op, tiles, words)


def _tree(ledger: Ledger, op: Op, tiles: list[int], words: int) -> None:
    if len(tiles) == 1:
        ledger.passed[op.key].add(tiles[0])
        return
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
                elements=words,
                kernel=op.kernel if 2 * distance >= len(tiles) else ADD_PARTIAL_SUMS,
            )
            if here not in partial:
                ledger.wait(added, op, here)
            partial[here] = added
        distance *= 2
    ledger.at(op, tiles[0], partial[tiles[0]])
