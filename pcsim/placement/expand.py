"""From operations on layers to tasks on tiles: split products, multicasts, reduction trees.

For every operation it notes after which tasks its result is available on which tile; the operations
that need it look there. What stays on one tile costs no transfer. A reduction is a binary tree over the
tiles of a slice: half of the partial sums travel, are added where they arrive, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pcsim.config import Formats, Value
from pcsim.placement.groups import Group, Slice
from pcsim.placement.layouts import Layout, operand, overlaps, owned, per_unit, pulled, weights
from pcsim.placement.streaming import BUFFERED, bytes_at_home
from pcsim.placement.tasks import Ready, TaskBuilder, TaskKind, Tasks, Unit
from pcsim.placement.topologies import Topology
from pcsim.program import CARRIED, Key, Kind, Op, Program, Role
from pcsim.program.kernels import ADD_PARTIAL_SUMS
from pcsim.program.synchronise import ROOT, parent

Available = dict[int, list[Ready]]
"""Tile -> the tasks after which an operation's result is there."""


class Expansion:
    """Expands the operations of one program one after the other, in program order.

    Operations may need later ones (of the step before), so tasks are first added without needs and
    connected when all are known.
    """

    def __init__(
        self,
        program: Program,
        groups: Mapping[int, Group],
        mesh: Topology,
        formats: Formats,
        *,
        streamed: bool = False,
        buffered: bool = False,
        own_gradients: bool = False,
    ) -> None:
        """``streamed``: weights come for every use, unless they are still there, from DRAM or, ``buffered``,
        from the global buffer.
        ``own_gradients``: weight gradients have a compute unit of their own."""
        self.program = program
        self.groups = groups
        self.mesh = mesh
        self.formats = formats
        self.streamed = streamed
        self.buffered = buffered
        self.own_gradients = own_gradients
        self.gradients: dict[int, dict[int, int]] = {}
        self.updates: dict[int, dict[int, int]] = {}
        self.arrivals: dict[int, dict[int, int]] = {}
        """Tile -> layer -> its weight gradient, its update, and the access that brings its moments, where
        weights are streamed."""
        self.settled: dict[int, list[Ready]] = {}
        """Layer -> the tasks after which all of it is in the global buffer on a cold start."""
        self.fetching: list[tuple[int, int]] = []
        """(Task, layer) of all that is read from there."""
        self.builder = TaskBuilder(mesh)
        self.available: dict[Key, Available] = {}
        self.dram_turn = 0
        self.stashed_at: dict[tuple[int, int], int] = {}
        self.open: list[tuple[int, Op, int]] = []
        """Tasks that still wait for the needs of an operation at a tile: (task, op, tile)."""
        self.passed: dict[Key, set[int]] = {}
        """Tiles at which an operation's result is simply what it needed (nothing had to move)."""

    def run(self) -> Tasks:
        expand: dict[Kind, Callable[[Op], None]] = {
            Kind.PRODUCT_FORWARD: self._product,
            Kind.PRODUCT_BACKWARD: self._product,
            Kind.WEIGHT_GRADIENT: self._product,
            Kind.ELEMENTWISE: self._elementwise,
            Kind.UPDATE: self._update,
            Kind.REDUCE: self._reduce,
            Kind.EXCHANGE: self._exchange,
        }
        ops = {op.key: op for op in self.program.ops}
        for op in self.program.ops:
            self.available[op.key] = {}
            self.passed[op.key] = set()
            expand[op.kind](op)
        for task, op, tile in self.open:
            found = (*self.builder.needs[task], *self._resolve(ops, op, tile))
            self.builder.needs[task] = tuple(dict.fromkeys(found))
        self._share_buffers()
        for task, layer in self.fetching:
            self.builder.needs[task] = (*self.builder.needs[task], *self.settled.get(layer, ()))
        return self.builder.build()

    def _resolve(self, ops: Mapping[Key, Op], op: Op, tile: int) -> list[Ready]:
        """The tasks after which everything that ``op`` needs is at ``tile``."""
        found: list[Ready] = []
        for need in op.needs:
            for ready in self.available[need.op].get(tile, ()):
                found.append(Ready(ready.task, ready.back + need.back))
            if tile in self.passed[need.op]:
                for ready in self._resolve(ops, ops[need.op], tile):
                    found.append(Ready(ready.task, ready.back + need.back))
        return found

    def _at(self, op: Op, tile: int, ready: Ready) -> None:
        self.available[op.key].setdefault(tile, []).append(ready)

    def _wait(self, ready: Ready, op: Op, tile: int) -> Ready:
        self.open.append((ready.task, op, tile))
        return ready

    # Operations on one tile.

    def _product(self, op: Op) -> None:
        group = self.groups[op.layer]
        contraction = op.contraction
        operands = contraction.operands
        summed = {Kind.PRODUCT_FORWARD: group.inputs, Kind.PRODUCT_BACKWARD: group.outputs}
        if len(summed.get(op.kind, ())) > 1 and not group.paired:
            operands = operands._replace(result=Value.ACCUMULATE)  # Partial sums leave the array.
        for i, j, tile, samples in self._everywhere(group):
            mine = op.sizes.cut(len(group.inputs[i]), len(group.outputs[j]))
            m, n, k, repeat, streamed, stationary = contraction.extent(mine, len(samples))
            own = self.own_gradients and op.kind is Kind.WEIGHT_GRADIENT
            unit = Unit("array", tile, "gradients" if own else "")
            weights = [self._weights(op, tile)] if self.streamed and op.kind in summed else []
            ready = self.builder.add(
                op,
                unit,
                TaskKind.PRODUCT,
                needs=weights,
                sizes=(m, n, k),
                repeat=repeat,
                buffered=(streamed, stationary) if op.sizes.line_buffer else (0, 0),
                operands=operands,
            )
            for loaded in weights:
                self.builder.users[loaded.task] = ready.task
            if self.streamed and op.kind not in summed:
                self.gradients.setdefault(tile, {})[op.layer] = ready.task
            self._at(op, tile, self._wait(ready, op, tile))

    def _elementwise(self, op: Op) -> None:
        """On each tile's operand, windows or gradient, on summed feedback at its roots, of what all channels have in
        common at the first owner, else at the owners of the outputs."""
        group = self.groups[op.layer]
        for tile, elements in self._elements(op, group):
            ready = self.builder.add(
                op,
                Unit("vector", tile),
                TaskKind.ELEMENTWISE,
                needs=(),
                elements=elements,
                kernel=op.kernel,
            )
            self._at(op, tile, self._wait(ready, op, tile))

    def _everywhere(self, group: Group) -> Iterator[tuple[int, int, int, Slice]]:
        """Every (i, j, tile) of all shares of the batch, with the share."""
        for s, samples in enumerate(group.batches(self.program.batch)):
            for i, j, tile in group.members(s):
                yield i, j, tile, samples

    def _elements(self, op: Op, group: Group) -> Iterator[tuple[int, int]]:
        """The tiles that do elementwise work of ``op``, each with its elements."""
        n_in = op.sizes.n_in
        if op.role is Role.GRADIENT:
            for i, j, tile in group.members():
                yield tile, op.sizes.cut(len(group.inputs[i]), len(group.outputs[j])).weights
            return
        if op.role is Role.UNIT_GRADIENT:
            yield from self._by_owner(op, group, op.elements)
            return
        for s, elements in enumerate(self._by_share(op, group)):
            if op.role in (Role.OPERAND, Role.FOLDED):
                for i, _, tile in group.members(s):
                    yield tile, group.inputs[i].share(elements, n_in)
            elif op.role is Role.FEEDBACK:
                for i, inputs in enumerate(group.inputs):
                    yield group.root(i, s), inputs.share(elements, n_in)
            elif op.role is Role.STATISTICS:
                yield group.owner(0, s), elements
            else:
                yield from self._by_owner(op, group, elements, s)

    def _by_share(self, op: Op, group: Group) -> list[int]:
        """What each share of the batch has of the elements of ``op``."""
        batch = self.program.batch
        return [samples.share(op.elements, batch) for samples in group.batches(batch)]

    def _by_owner(self, op: Op, group: Group, elements: int, s: int = 0) -> list[tuple[int, int]]:
        """The owner of each slice of outputs, and its part of the elements."""
        n_out = op.sizes.n_out
        return [
            (group.owner(j, s), outputs.share(elements, n_out))
            for j, outputs in enumerate(group.outputs)
        ]

    def _update(self, op: Op) -> None:
        """Of the weights on each tile; of biases, gains and positions at the owners of the outputs. Where the batch is
        cut, those of share 0."""
        group = self.groups[op.layer]
        if op.role in (Role.BIAS, Role.GAIN):
            owners = self._by_owner(op, group, op.elements)
            parts = [(tile, elements, (0, 0, 0)) for tile, elements in owners]
        else:
            parts = []
            for i, j, tile in group.members():
                mine = op.sizes.cut(len(group.inputs[i]), len(group.outputs[j]))
                parts.append((tile, mine.weights, (mine.n_out, mine.weights // mine.n_out, 0)))
        for tile, parameters, sizes in parts:
            arrived = self._fetched(op, tile) if self.streamed and op.role is None else []
            ready = self.builder.add(
                op,
                Unit("update", tile),
                TaskKind.UPDATE,
                needs=arrived,
                sizes=sizes,
                elements=parameters,
                kernel=op.kernel,
            )
            self._at(op, tile, self._wait(ready, op, tile))
            if arrived:
                self.builder.users[arrived[0].task] = ready.task
                self.updates.setdefault(tile, {})[op.layer] = ready.task
                self._write_back(op, tile, ready)

    # Weights whose home is the global buffer or DRAM, there those of layer l on the channel of its number.

    def _bytes_of(self, layer: int, *values: Value) -> int:
        return bytes_at_home(self.program, self.formats, layer, values)

    def _home(self, layer: int) -> int:
        return self.mesh.buffer_node if self.buffered else self._channel(layer)

    def _channel(self, layer: int) -> int:
        return self.mesh.dram_node(layer % self.mesh.channels)

    def _read_at_home(self, op: Op, size_bytes: int) -> Ready:
        node = self._home(op.layer)
        unit, kind = Unit("dram", node), TaskKind.DRAM_READ
        if self.buffered:
            unit, kind = Unit("buffer", node), TaskKind.BUFFER_READ
        read = self.builder.add(op, unit, kind, needs=(), size_bytes=size_bytes)
        self.fetching.append((read.task, op.layer))
        return read

    def _write_at_home(self, op: Op, size_bytes: int, sent: Ready) -> Ready:
        node = self._home(op.layer)
        unit, kind = Unit("dram", node), TaskKind.DRAM_WRITE
        if self.buffered:
            unit, kind = Unit("buffer", node), TaskKind.BUFFER_WRITE
        return self.builder.add(op, unit, kind, needs=[sent], size_bytes=size_bytes)

    def _settle(self, op: Op, value: Value) -> None:
        """On a cold start bring what ``op`` carries of its layer from DRAM into the global buffer."""
        size_bytes, node = self._bytes_of(op.layer, value), self._channel(op.layer)
        read = self.builder.add(
            op, Unit("dram", node), TaskKind.DRAM_READ, needs=(), size_bytes=size_bytes
        )
        sent = self.builder.add(
            op,
            Unit("dma", node, "from dram"),
            TaskKind.TRANSFER,
            needs=[read],
            size_bytes=size_bytes,
            targets=(self._home(op.layer),),
        )
        written = self._write_at_home(op, size_bytes, sent)
        self.settled.setdefault(op.layer, []).append(written)

    def _weights(self, op: Op, tile: int) -> Ready:
        """The weights of the layer of ``op``, brought to its tile unless they are there."""
        loaded = self.builder.add(
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

    def _fetched(self, op: Op, tile: int) -> list[Ready]:
        """What an update needs: the weights and, if there are any, moments and master weights."""
        weights = self._weights(op, tile)
        size_bytes = self._bytes_of(op.layer, Value.OPTIMISER, Value.MASTER)
        if not size_bytes:
            return [weights]
        read = self._read_at_home(op, size_bytes)
        self.arrivals.setdefault(tile, {})[op.layer] = read.task
        sent = self.builder.add(
            op,
            Unit("dma", self._home(op.layer), "from buffer" if self.buffered else "from dram"),
            TaskKind.TRANSFER,
            needs=[read],
            size_bytes=size_bytes,
            targets=(tile,),
        )
        return [weights, sent]

    def _write_back(self, op: Op, tile: int, updated: Ready) -> None:
        """New weights and moments back home."""
        size_bytes = self._bytes_of(op.layer, Value.WEIGHT, Value.OPTIMISER, Value.MASTER)
        sent = self.builder.add(
            op,
            Unit("dma", tile, "write back"),
            TaskKind.TRANSFER,
            needs=[updated],
            size_bytes=size_bytes,
            targets=(self._home(op.layer),),
        )
        self._write_at_home(op, size_bytes, sent)

    def _share_buffers(self) -> None:
        """A gradient is formed, and moments are fetched, when those of the layer before the last are used up."""
        needs = self.builder.needs
        ops = {op.layer: op for op in self.program.ops if op.kind is Kind.UPDATE and not op.role}
        for tile, updates in self.updates.items():
            # In the order in which units take them.
            turns = {layer: ops[layer].place.turn.key(ops[layer].place.first) for layer in updates}
            layers = sorted(updates, key=lambda layer: (turns[layer], -layer))
            for used, layer in zip(layers, layers[BUFFERED:], strict=False):
                for waiting in (self.gradients, self.arrivals):
                    task = waiting.get(tile, {}).get(layer)
                    if task is not None:
                        needs[task] = (*needs[task], Ready(updates[used], 0))

    # Operations between tiles.

    def _reduce(self, op: Op) -> None:
        group = self.groups[op.layer]
        for tiles, words in self._lines(op, group):
            self._tree(op, tiles, words)

    def _lines(self, op: Op, group: Group) -> Iterator[tuple[list[int], int]]:
        """The tiles whose partial sums meet, and the words of each."""
        if op.role is Role.GRADIENT:
            for i, j, _ in group.members():
                mine = op.sizes.cut(len(group.inputs[i]), len(group.outputs[j]))
                yield group.copies(i, j), mine.weights
            return
        if op.role in (Role.BIAS, Role.GAIN):
            for j, (_, words) in enumerate(self._by_owner(op, group, op.elements)):
                yield [group.owner(j, s) for s in range(group.shares)], words
            return
        for s, elements in enumerate(self._by_share(op, group)):
            if op.role is Role.STATISTICS:
                yield [group.owner(j, s) for j in range(len(group.outputs))], elements
            elif op.role is Role.FEEDBACK:
                for i, inputs in enumerate(group.inputs):
                    yield group.column(i, s), inputs.share(elements, op.sizes.n_in)
            else:
                for j, outputs in enumerate(group.outputs):
                    yield group.row(j, s), outputs.share(elements, op.sizes.n_out)

    def _tree(self, op: Op, tiles: list[int], words: int) -> None:
        if len(tiles) == 1:
            self.passed[op.key].add(tiles[0])
            return
        size_bytes = self.formats.of(Value.ACCUMULATE).storage_bytes(words)
        partial: dict[int, Ready] = {}
        distance = 1
        while distance < len(tiles):
            for position in range(0, len(tiles) - distance, 2 * distance):
                here, there = tiles[position], tiles[position + distance]
                sent = self.builder.add(
                    op,
                    Unit("dma", there, "partial sums"),
                    TaskKind.TRANSFER,
                    needs=[partial[there]] if there in partial else (),
                    size_bytes=size_bytes,
                    targets=(here,),
                )
                if there not in partial:
                    self._wait(sent, op, there)
                added = self.builder.add(
                    op,
                    Unit("vector", here),
                    TaskKind.ELEMENTWISE,
                    needs=[sent, *([partial[here]] if here in partial else ())],
                    elements=words,
                    kernel=op.kernel if 2 * distance >= len(tiles) else ADD_PARTIAL_SUMS,
                )
                if here not in partial:
                    self._wait(added, op, here)
                partial[here] = added
            distance *= 2
        self._at(op, tiles[0], partial[tiles[0]])

    def _exchange(self, op: Op) -> None:
        assert op.role is not None
        group = self.groups[op.layer]
        batch = self.program.batch
        words = op.elements // batch
        if self.streamed and op.role in (Role.WEIGHTS, Role.MASTER):
            if self.buffered:
                self._settle(op, CARRIED[op.role])
            return  # To the tiles they come when they are used.
        if op.role is Role.STATE:
            above = self.groups[op.target or op.layer + 1]
            self._redistribute(op, owned(group, words, batch), operand(above, words, batch))
        elif op.role is Role.FEEDBACK:
            below = self.groups[op.target or op.layer - 1]
            self._redistribute(op, pulled(group, words, batch), owned(below, words, batch))
        elif op.role in (Role.BRANCH, Role.SPREAD):
            there = self.groups[op.target]
            self._redistribute(op, owned(group, words, batch), owned(there, words, batch))
        elif op.role is Role.STATISTICS:
            for s, elements in enumerate(self._by_share(op, group)):
                owners = [group.owner(j, s) for j in range(len(group.outputs))]
                self._send(op, owners[0], owners, elements)
        elif op.role in (Role.ERROR, Role.PULL):
            for s, elements in enumerate(self._by_share(op, group)):
                for j, (owner, mine) in enumerate(self._by_owner(op, group, elements, s)):
                    self._send(op, owner, group.row(j, s), mine)
        elif op.target and op.role in (Role.GRADIENT, Role.COPIED):
            self._share_weights(op, all_copies=op.role is Role.COPIED)
        elif op.target and op.role in (Role.BIAS, Role.GAIN, Role.UNIT_GRADIENT):
            self._share_units(op, all_copies=op.role is not Role.UNIT_GRADIENT)
        elif op.role is Role.COPIED:
            for i, j, tile in group.members():
                slice_ = op.sizes.cut(len(group.inputs[i]), len(group.outputs[j]))
                self._send(op, tile, group.copies(i, j), slice_.weights)
        elif op.role in (Role.BIAS, Role.GAIN):
            for j, (owner, mine) in enumerate(self._by_owner(op, group, op.elements)):
                others = [group.owner(j, s) for s in range(group.shares)]
                self._send(op, owner, others, mine)
        elif op.role is Role.SKIPPED_STATE:
            above = self.groups[op.layer + 1]
            for j, outputs in enumerate(group.outputs):
                for k, wanted in enumerate(above.outputs):
                    # The first input slice is on the owner of every output slice as an operand.
                    missing = outputs.overlap(wanted) - outputs.overlap(
                        wanted.common(above.inputs[0])
                    )
                    self._beside(op, group.owner(j), above.owner(k), batch * missing)
        elif op.role is Role.SKIPPED_ERROR:
            for j, outputs in enumerate(group.outputs):
                for i, inputs in enumerate(group.inputs):
                    # The errors of the first output slice are on every root already.
                    missing = outputs.overlap(inputs) if j else 0
                    self._beside(op, group.owner(j), group.root(i), batch * missing)
        elif op.role in (Role.WEIGHTS, Role.MASTER):
            for i, j, tile in group.members():
                slice_ = op.sizes.cut(len(group.inputs[i]), len(group.outputs[j]))
                copies = group.copies(i, j) if op.role is Role.WEIGHTS else [tile]
                self._from_dram(op, copies, slice_.weights)
        elif op.role is Role.INPUT:
            for s, elements in enumerate(self._by_share(op, group)):
                for i, inputs in enumerate(group.inputs):
                    mine = inputs.share(elements, op.sizes.n_in)
                    self._from_dram(op, group.column(i, s), mine)
        elif op.role is Role.TARGET:
            for s, elements in enumerate(self._by_share(op, group)):
                for owner, mine in self._by_owner(op, group, elements, s):
                    self._from_dram(op, [owner], mine)
        elif op.role in (Role.REPORT, Role.ANSWER):
            self._control(op, group)
        elif op.role is Role.STASH:
            for tile, words in self._stashed(group):
                self.stashed_at[op.layer, tile] = self._to_dram(op, tile, words)
        elif op.role is Role.RESTORED:
            for tile, words in self._stashed(group):
                self._from_dram(op, [tile], words, node=self.stashed_at[op.layer, tile])
        else:
            for s, elements in enumerate(self._by_share(op, group)):
                for owner, mine in self._by_owner(op, group, elements, s):
                    self._to_dram(op, owner, mine)

    def _redistribute(self, op: Op, source: Layout, target: Layout) -> None:
        """Every box of ``source`` to all tiles of each box of ``target`` that it has words of."""
        for at, tiles, words in overlaps(source, target):
            self._send(op, at, list(tiles), words)

    def _share_weights(self, op: Op, *, all_copies: bool) -> None:
        """Weights or their gradients of one part to another that uses the same: to all tiles that hold them, or to
        those that update them."""
        target = list(weights(self.groups[op.target], self.program.sizes(op.target)))
        for outputs, mine, (at, *_) in weights(self.groups[op.layer], op.sizes):
            for wanted, theirs, tiles in target:
                words = outputs.overlap(wanted) * mine.overlap(theirs)
                self._send(op, at, tiles if all_copies else tiles[:1], words)

    def _share_units(self, op: Op, *, all_copies: bool) -> None:
        """Biases, gains and positions, as `_share_weights`."""
        target = list(per_unit(self.groups[op.target], op.elements))
        for box, (at, *_) in per_unit(self.groups[op.layer], op.elements):
            for wanted, tiles in target:
                self._send(op, at, tiles if all_copies else tiles[:1], box.overlap(wanted))

    def _control(self, op: Op, group: Group) -> None:
        """One word: up from every owner to the first tile of the layer reported to, or down to all tiles."""
        reported = op.target or (parent(op.layer) if op.layer > ROOT else ROOT)
        above = self.groups[reported].owner(0)
        if op.role is Role.ANSWER:
            self._send(op, above, list(group.tiles), 1)
            return
        for j in range(len(group.outputs)):
            self._send(op, group.owner(j), [above], 1)

    def _stashed(self, group: Group) -> Iterator[tuple[int, int]]:
        """What each tile keeps of one micro-batch for the backward pass: its operand (the batch itself is
        not stashed), and on owners the activity of their outputs."""
        for i, j, tile in group.members():
            width = len(group.inputs[i]) if group.layer > 1 else 0
            if i == 0 and group.layer < self.program.depth:
                width += len(group.outputs[j])
            if width:
                yield tile, self.program.batch * width

    def _size_bytes(self, op: Op, words: int) -> int:
        """Bytes of ``words`` of what ``op`` carries."""
        assert op.role is not None
        return self.formats.of(CARRIED[op.role]).storage_bytes(words)

    def _told_bytes(self, op: Op, words: int, told: int) -> int:
        """Of ``words`` among the elements of ``op`` as many as their share of ``told``, rounded up, and their
        places: one index each, or one bit for every word, whichever is less."""
        share = -(-told * words // op.elements)
        places = min(words, share * (words - 1).bit_length())
        return self._size_bytes(op, share) + -(-places // 8)

    def _send(self, op: Op, source: int, targets: list[int], words: int) -> None:
        if not words:
            return
        remote = tuple(sorted(set(targets) - {source}))
        if source in targets:
            self.passed[op.key].add(source)
        if remote:
            sent = self.builder.add(
                op,
                Unit("dma", source, str(op.role)),
                TaskKind.TRANSFER,
                needs=(),
                size_bytes=self._size_bytes(op, words) if op.told is None else 0,
                targets=remote,
            )
            if op.told is not None:
                self.builder.varying[sent.task] = tuple(
                    self._told_bytes(op, words, told) for told in op.told
                )
            self._wait(sent, op, source)
            for tile in remote:
                self._at(op, tile, sent)

    def _beside(self, op: Op, source: int, target: int, words: int) -> None:
        """Send what ``target`` does not hold by other ways; where nothing is missing it needs what ``op``
        needs."""
        self.passed[op.key].add(target)
        if words and source != target:
            self._send(op, source, [target], words)

    def _next_channel(self) -> int:
        """Channels take turns, so that the slices of an operand spread over them."""
        channel = self.dram_turn % self.mesh.channels
        self.dram_turn += 1
        return self.mesh.dram_node(channel)

    def _from_dram(
        self, op: Op, targets: list[int], words: int, *, node: int | None = None
    ) -> None:
        """From the channel ``node``, or from whichever's turn it is."""
        node = self._next_channel() if node is None else node
        size_bytes = self._size_bytes(op, words)
        read = self.builder.add(
            op, Unit("dram", node), TaskKind.DRAM_READ, needs=(), size_bytes=size_bytes
        )
        if op.needs:
            self._wait(read, op, targets[0])
        sent = self.builder.add(
            op,
            Unit("dma", node, "from dram"),
            TaskKind.TRANSFER,
            needs=[read],
            size_bytes=size_bytes,
            targets=tuple(targets),
        )
        for tile in targets:
            self._at(op, tile, sent)

    def _to_dram(self, op: Op, source: int, words: int) -> int:
        """To the channel that is returned."""
        node = self._next_channel()
        size_bytes = self._size_bytes(op, words)
        sent = self.builder.add(
            op,
            Unit("dma", source, str(op.role)),
            TaskKind.TRANSFER,
            needs=(),
            size_bytes=size_bytes,
            targets=(node,),
        )
        self._wait(sent, op, source)
        written = self.builder.add(
            op, Unit("dram", node), TaskKind.DRAM_WRITE, needs=[sent], size_bytes=size_bytes
        )
        self._at(op, source, written)
        return node
