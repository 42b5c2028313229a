"""Weights whose home is the global buffer or DRAM, there those of layer l on the channel of its number."""

from __future__ import annotations

from pcsim.config import Value
from pcsim.placement.flows import Flow
from pcsim.placement.ledger import Ledger
from pcsim.placement.streaming import BUFFERED, bytes_at_home
from pcsim.placement.tasks import Ready, TaskKind, Unit
from pcsim.program import CARRIED, Kind, Op


class Homes:
    """Brings weights for every use, unless they are still there, from DRAM or, ``buffered``, from the global buffer."""

    def __init__(self, ledger: Ledger, *, buffered: bool) -> None:
        self.ledger = ledger
        self.buffered = buffered
        self.gradients: dict[int, dict[int, int]] = {}
        self.updates: dict[int, dict[int, int]] = {}
        self.arrivals: dict[int, dict[int, int]] = {}
        """Tile -> layer -> its weight gradient, its update, and the access that brings its moments."""
        self.settled: dict[int, list[Ready]] = {}
        """Layer -> the tasks after which all of it is in the global buffer on a cold start."""
        self.fetching: list[tuple[int, int]] = []
        """(Task, layer) of all that is read from there."""

    def settle(self, op: Op) -> None:
        """On a cold start bring what ``op`` carries of its layer from DRAM into the global buffer, if that is home."""
        if not self.buffered:
            return
        assert op.role is not None
        size_bytes, node = self._bytes_of(op.layer, CARRIED[op.role]), self._channel(op.layer)
        read = self.ledger.builder.add(
            op, Unit("dram", node), TaskKind.DRAM_READ, needs=(), size_bytes=size_bytes
        )
        sent = self.ledger.builder.add(
            op,
            Unit("dma", node, "from dram"),
            TaskKind.TRANSFER,
            needs=[read],
            size_bytes=size_bytes,
            targets=(self._home(op.layer),),
        )
        written = self._write_at_home(op, size_bytes, sent)
        self.settled.setdefault(op.layer, []).append(written)

    def weights(self, op: Op, tile: int) -> Ready:
        """The weights of the layer of ``op``, brought to its tile unless they are there."""
        loaded = self.ledger.builder.add(
            op,
            Unit("dma", tile, "weights"),
            TaskKind.WEIGHTS,
            needs=(),
            size_bytes=self._bytes_of(op.layer, Value.WEIGHT),
            source=self._home(op.layer),
            targets=(tile,),
        )
        self.fetching.append((loaded.task, op.layer))
        return loaded

    def fetched(self, op: Op, tile: int) -> list[Ready]:
        """What an update needs: the weights and, if there are any, moments and master weights."""
        weights = self.weights(op, tile)
        size_bytes = self._bytes_of(op.layer, Value.OPTIMISER, Value.MASTER)
        if not size_bytes:
            return [weights]
        read, flow = self._read_at_home(op, size_bytes), self._flow(op)
        self.arrivals.setdefault(tile, {})[op.layer] = read.task
        sent = self.ledger.builder.add(
            op,
            Unit("dma", self._home(op.layer), "from buffer" if self.buffered else "from dram"),
            TaskKind.TRANSFER,
            needs=[read],
            flow=flow,
            size_bytes=size_bytes,
            targets=(tile,),
        )
        return [weights, sent]

    def write_back(self, op: Op, tile: int, updated: Ready) -> None:
        """New weights and moments back home."""
        size_bytes = self._bytes_of(op.layer, Value.WEIGHT, Value.OPTIMISER, Value.MASTER)
        sent = self.ledger.builder.add(
            op,
            Unit("dma", tile, "write back"),
            TaskKind.TRANSFER,
            needs=[updated],
            flow=self._flow(op),
            yields=True,
            size_bytes=size_bytes,
            targets=(self._home(op.layer),),
        )
        self._write_at_home(op, size_bytes, sent)

    def connect(self) -> None:
        """Once all tasks are known: a gradient is formed, and moments are fetched, when those of the layer before the
        last are used up; what is read at home waits until it has settled there."""
        needs = self.ledger.builder.needs
        ops = {
            op.layer: op for op in self.ledger.program.ops if op.kind is Kind.UPDATE and not op.role
        }
        for tile, updates in self.updates.items():
            # In the order in which units take them.
            turns = {layer: ops[layer].place.turn.key(ops[layer].place.first) for layer in updates}
            layers = sorted(updates, key=lambda layer: (turns[layer], -layer))
            for used, layer in zip(layers, layers[BUFFERED:], strict=False):
                for waiting in (self.gradients, self.arrivals):
                    task = waiting.get(tile, {}).get(layer)
                    if task is not None:
                        needs[task] = (*needs[task], Ready(updates[used], 0))
        for task, layer in self.fetching:
            needs[task] = (*needs[task], *self.settled.get(layer, ()))

    def _flow(self, op: Op) -> Flow:
        """Parameters pass between memories by the outputs that they are of."""
        return Flow(op.sizes.n_out, op.sizes.n_out)

    def _bytes_of(self, layer: int, *values: Value) -> int:
        return bytes_at_home(self.ledger.program, self.ledger.formats, layer, values)

    def _home(self, layer: int) -> int:
        return self.ledger.mesh.buffer_node if self.buffered else self._channel(layer)

    def _channel(self, layer: int) -> int:
        return self.ledger.mesh.dram_node(layer % self.ledger.mesh.channels)

    def _read_at_home(self, op: Op, size_bytes: int) -> Ready:
        node = self._home(op.layer)
        unit, kind = Unit("dram", node), TaskKind.DRAM_READ
        if self.buffered:
            unit, kind = Unit("buffer", node), TaskKind.BUFFER_READ
        read = self.ledger.builder.add(
            op, unit, kind, needs=(), flow=self._flow(op), size_bytes=size_bytes
        )
        self.fetching.append((read.task, op.layer))
        return read

    def _write_at_home(self, op: Op, size_bytes: int, sent: Ready) -> Ready:
        node = self._home(op.layer)
        # Writes have a queue of their own, so that what is read next need not wait for what is written back.
        unit, kind = Unit("dram", node, "writes"), TaskKind.DRAM_WRITE
        if self.buffered:
            unit, kind = Unit("buffer", node, "writes"), TaskKind.BUFFER_WRITE
        return self.ledger.builder.add(
            op,
            unit,
            kind,
            needs=[sent],
            flow=self._flow(op),
            yields=True,
            size_bytes=size_bytes,
        )
