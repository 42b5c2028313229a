"""Words from tile to tile, and between tiles and DRAM, as tasks."""

from __future__ import annotations

from pcsim.placement.ledger import Ledger
from pcsim.placement.tasks import TaskKind, Unit
from pcsim.program import CARRIED, Op


class Carrier:
    """Sends what exchanges carry. What stays on one tile costs no transfer."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.dram_turn = 0

    def send(self, op: Op, source: int, targets: list[int], words: int) -> None:
        if not words:
            return
        remote = tuple(sorted(set(targets) - {source}))
        if source in targets:
            self.ledger.passed[op.key].add(source)
        if remote:
            sent = self.ledger.builder.add(
                op,
                Unit("dma", source, str(op.role)),
                TaskKind.TRANSFER,
                needs=(),
                size_bytes=self._size_bytes(op, words) if op.told is None else 0,
                targets=remote,
            )
            if op.told is not None:
                self.ledger.builder.varying[sent.task] = tuple(
                    self._told_bytes(op, words, told) for told in op.told
                )
            self.ledger.wait(sent, op, source)
            for tile in remote:
                self.ledger.at(op, tile, sent)

    def beside(self, op: Op, source: int, target: int, words: int) -> None:
        """Send what ``target`` does not hold by other ways; where nothing is missing it needs what ``op``
        needs."""
        self.ledger.passed[op.key].add(target)
        if words and source != target:
            self.send(op, source, [target], words)

    def from_dram(self, op: Op, targets: list[int], words: int, *, node: int | None = None) -> None:
        """From the channel ``node``, or from whichever's turn it is."""
        node = self._next_channel() if node is None else node
        size_bytes = self._size_bytes(op, words)
        read = self.ledger.builder.add(
            op, Unit("dram", node), TaskKind.DRAM_READ, needs=(), size_bytes=size_bytes
        )
        if op.needs:
            self.ledger.wait(read, op, targets[0])
        sent = self.ledger.builder.add(
            op,
            Unit("dma", node, "from dram"),
            TaskKind.TRANSFER,
            needs=[read],
            size_bytes=size_bytes,
            targets=tuple(targets),
        )
        for tile in targets:
            self.ledger.at(op, tile, sent)

    def to_dram(self, op: Op, source: int, words: int) -> int:
        """To the channel that is returned."""
        node = self._next_channel()
        size_bytes = self._size_bytes(op, words)
        sent = self.ledger.builder.add(
            op,
            Unit("dma", source, str(op.role)),
            TaskKind.TRANSFER,
            needs=(),
            size_bytes=size_bytes,
            targets=(node,),
        )
        self.ledger.wait(sent, op, source)
        written = self.ledger.builder.add(
            op, Unit("dram", node), TaskKind.DRAM_WRITE, needs=[sent], size_bytes=size_bytes
        )
        self.ledger.at(op, source, written)
        return node

    def _next_channel(self) -> int:
        """Channels take turns, so that the slices of an operand spread over them."""
        channel = self.dram_turn % self.ledger.mesh.channels
        self.dram_turn += 1
        return self.ledger.mesh.dram_node(channel)

    def _size_bytes(self, op: Op, words: int) -> int:
        """Bytes of ``words`` of what ``op`` carries."""
        assert op.role is not None
        return self.ledger.formats.of(CARRIED[op.role]).storage_bytes(words)

    def _told_bytes(self, op: Op, words: int, told: int) -> int:
        """Of ``words`` among the elements of ``op`` as many as their share of ``told``, rounded up, and their
        places: one index each, or one bit for every word, whichever is less."""
        share = -(-told * words // op.elements)
        places = min(words, share * (words - 1).bit_length())
        return self._size_bytes(op, share) + -(-places // 8)
