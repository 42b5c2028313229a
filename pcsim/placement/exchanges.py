"""What does each kind of exchange move, from which tile to which?"""

from __future__ import annotations

from collections.abc import Iterator

from pcsim.placement.groups import Group
from pcsim.placement.homes import Homes
from pcsim.placement.layouts import (
    Layout,
    missing,
    operand,
    overlaps,
    owned,
    per_unit,
    pulled,
    shared,
    weights,
)
from pcsim.placement.ledger import Ledger
from pcsim.placement.portions import by_owner, by_share, everywhere
from pcsim.placement.transfers import Carrier
from pcsim.program import Op, Role


class Exchanges:
    """Turns exchanges into transfers; ``homes`` as for the work on tiles."""

    def __init__(self, ledger: Ledger, homes: Homes | None) -> None:
        self.ledger = ledger
        self.homes = homes
        self.carry = Carrier(ledger)
        self.stashed_at: dict[tuple[int, int], int] = {}
        """(Layer, tile) -> the DRAM channel that has its stash."""
        self.fed = {op.layer for op in ledger.program.ops if op.role is Role.INPUT}
        """The layers whose operand is the batch itself."""

    def exchange(self, op: Op) -> None:
        assert op.role is not None
        group = self.ledger.groups[op.layer]
        batch = self.ledger.program.batch
        words = op.elements // batch
        if self.homes and op.role in (Role.WEIGHTS, Role.MASTER):
            self.homes.settle(op)  # To the tiles they come when they are used.
            return
        if op.role is Role.STATE:
            above = self.ledger.groups[op.target]
            self._redistribute(op, owned(group, words, batch), operand(above, words, batch))
        elif op.role is Role.FEEDBACK:
            below = self.ledger.groups[op.target]
            self._redistribute(op, pulled(group, words, batch), owned(below, words, batch))
        elif op.role in (Role.BRANCH, Role.SPREAD):
            there = self.ledger.groups[op.target]
            self._redistribute(op, owned(group, words, batch), owned(there, words, batch))
        elif op.role is Role.STATISTICS:
            for s, elements in enumerate(by_share(op, group, batch)):
                owners = [group.owner(j, s) for j in range(len(group.outputs))]
                self.carry.send(op, owners[0], owners, elements)
        elif op.role is Role.ERROR:
            for s, elements in enumerate(by_share(op, group, batch)):
                for j, (owner, mine) in enumerate(by_owner(op, group, elements, s)):
                    self.carry.send(op, owner, group.row(j, s), mine)
        elif op.target and op.role in (Role.GRADIENT, Role.COPIED):
            self._share_weights(op, all_copies=op.role is Role.COPIED)
        elif op.target and op.role in (Role.BIAS, Role.GAIN, Role.UNIT_GRADIENT):
            self._share_units(op, all_copies=op.role is not Role.UNIT_GRADIENT)
        elif op.role is Role.COPIED:
            for i, j, tile in group.members():
                slice_ = op.sizes.cut(len(group.inputs[i]), len(group.outputs[j]))
                self.carry.send(op, tile, group.copies(i, j), slice_.weights)
        elif op.role in (Role.BIAS, Role.GAIN):
            for j, (owner, mine) in enumerate(by_owner(op, group, op.elements)):
                others = [group.owner(j, s) for s in range(group.shares)]
                self.carry.send(op, owner, others, mine)
        elif op.role is Role.SKIPPED_STATE:
            above = self.ledger.groups[op.target]
            held = operand(above, words, batch)
            self._complete(op, owned(group, words, batch), owned(above, words, batch), held)
        elif op.role is Role.SKIPPED_ERROR:
            held = shared(group, words, batch)
            self._complete(op, owned(group, words, batch), pulled(group, words, batch), held)
        elif op.role in (Role.WEIGHTS, Role.MASTER):
            for i, j, tile in group.members():
                slice_ = op.sizes.cut(len(group.inputs[i]), len(group.outputs[j]))
                copies = group.copies(i, j) if op.role is Role.WEIGHTS else [tile]
                self.carry.from_dram(op, copies, slice_.weights)
        elif op.role is Role.INPUT:
            for s, elements in enumerate(by_share(op, group, batch)):
                for i, inputs in enumerate(group.inputs):
                    mine = inputs.share(elements, op.sizes.n_in)
                    self.carry.from_dram(op, group.column(i, s), mine)
        elif op.role is Role.TARGET:
            for s, elements in enumerate(by_share(op, group, batch)):
                for owner, mine in by_owner(op, group, elements, s):
                    self.carry.from_dram(op, [owner], mine)
        elif op.role in (Role.REPORT, Role.ANSWER):
            self._control(op, group)
        elif op.role is Role.STASH:
            for tile, words in self._stashed(op, group):
                self.stashed_at[op.layer, tile] = self.carry.to_dram(op, tile, words)
        elif op.role is Role.RESTORED:
            for tile, words in self._stashed(op, group):
                self.carry.from_dram(op, [tile], words, node=self.stashed_at[op.layer, tile])
        else:
            for s, elements in enumerate(by_share(op, group, batch)):
                for owner, mine in by_owner(op, group, elements, s):
                    self.carry.to_dram(op, owner, mine)

    def _redistribute(self, op: Op, source: Layout, target: Layout) -> None:
        """Every box of ``source`` to all tiles of each box of ``target`` that it has words of."""
        for at, tiles, words in overlaps(source, target):
            self.carry.send(op, at, list(tiles), words)

    def _complete(self, op: Op, source: Layout, target: Layout, there: Layout) -> None:
        """Every tile of ``target`` what it lacks of its box: what it has as one of the tiles of ``there`` is there, and
        where nothing is missing, all is there once ``op`` might begin."""
        for at, (tile,), words in missing(source, target, there):
            self.carry.beside(op, at, tile, words)

    def _share_weights(self, op: Op, *, all_copies: bool) -> None:
        """Weights or their gradients of one part to another that uses the same: to all tiles that hold them, or to
        those that update them."""
        target = list(weights(self.ledger.groups[op.target], self.ledger.program.sizes(op.target)))
        for outputs, mine, (at, *_) in weights(self.ledger.groups[op.layer], op.sizes):
            for wanted, theirs, tiles in target:
                words = outputs.overlap(wanted) * mine.overlap(theirs)
                self.carry.send(op, at, tiles if all_copies else tiles[:1], words)

    def _share_units(self, op: Op, *, all_copies: bool) -> None:
        """Biases, gains and positions, as `_share_weights`."""
        target = list(per_unit(self.ledger.groups[op.target], op.elements))
        for box, (at, *_) in per_unit(self.ledger.groups[op.layer], op.elements):
            for wanted, tiles in target:
                self.carry.send(op, at, tiles if all_copies else tiles[:1], box.overlap(wanted))

    def _control(self, op: Op, group: Group) -> None:
        """One word: up from every owner to the first tile of the layer reported to, or down to all tiles."""
        above = self.ledger.groups[op.target].owner(0)
        if op.role is Role.ANSWER:
            self.carry.send(op, above, list(group.tiles), 1)
            return
        for s in range(group.shares):
            for j in range(len(group.outputs)):
                self.carry.send(op, group.owner(j, s), [above], 1)

    def _stashed(self, op: Op, group: Group) -> Iterator[tuple[int, int]]:
        """What each tile keeps of one micro-batch for the backward pass: its operand (the batch itself is
        not stashed), and on owners values of their outputs, which are what is left of the elements of ``op``."""
        batch, sizes = self.ledger.program.batch, op.sizes
        rows = 0 if op.layer in self.fed else sizes.rows_in
        owned = op.elements // batch - rows * sizes.n_in
        for i, j, tile, samples in everywhere(group, batch):
            width = rows * len(group.inputs[i])
            if i == 0 or group.paired:
                width += group.outputs[j].share(owned, sizes.n_out)
            if width:
                yield tile, len(samples) * width
