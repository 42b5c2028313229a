"""What does each tile of a part have of an operation: which slice of a product, how many elements?"""

from __future__ import annotations

from collections.abc import Iterator

from pcsim.placement.groups import Group, Slice
from pcsim.program import Op, Role


def everywhere(group: Group, batch: int) -> Iterator[tuple[int, int, int, Slice]]:
    """Every (i, j, tile) of all shares of the batch, with the share."""
    for s, samples in enumerate(group.batches(batch)):
        for i, j, tile in group.members(s):
            yield i, j, tile, samples


def elements_of(op: Op, group: Group, batch: int) -> Iterator[tuple[int, int]]:
    """The tiles that do elementwise work of ``op``, each with its elements."""
    n_in = op.sizes.n_in
    if op.role is Role.GRADIENT:
        for i, j, tile in group.members():
            yield tile, op.sizes.cut(len(group.inputs[i]), len(group.outputs[j])).weights
        return
    if op.role is Role.UNIT_GRADIENT:
        yield from by_owner(op, group, op.elements)
        return
    for s, elements in enumerate(by_share(op, group, batch)):
        if op.role in (Role.OPERAND, Role.FOLDED):
            for i, _, tile in group.members(s):
                yield tile, group.inputs[i].share(elements, n_in)
        elif op.role is Role.FEEDBACK:
            for i, inputs in enumerate(group.inputs):
                yield group.root(i, s), inputs.share(elements, n_in)
        elif op.role is Role.STATISTICS:
            yield group.owner(0, s), elements
        else:
            yield from by_owner(op, group, elements, s)


def by_share(op: Op, group: Group, batch: int) -> list[int]:
    """What each share of the batch has of the elements of ``op``."""
    return [samples.share(op.elements, batch) for samples in group.batches(batch)]


def by_owner(op: Op, group: Group, elements: int, s: int = 0) -> list[tuple[int, int]]:
    """The owner of each slice of outputs, and its part of the elements."""
    n_out = op.sizes.n_out
    return [
        (group.owner(j, s), outputs.share(elements, n_out))
        for j, outputs in enumerate(group.outputs)
    ]


def lines_of(op: Op, group: Group, batch: int) -> Iterator[tuple[list[int], int]]:
    """The tiles whose partial sums meet, and the words of each."""
    if op.role is Role.GRADIENT:
        for i, j, _ in group.members():
            mine = op.sizes.cut(len(group.inputs[i]), len(group.outputs[j]))
            yield group.copies(i, j), mine.weights
        return
    if op.role in (Role.BIAS, Role.GAIN):
        for j, (_, words) in enumerate(by_owner(op, group, op.elements)):
            yield [group.owner(j, s) for s in range(group.shares)], words
        return
    for s, elements in enumerate(by_share(op, group, batch)):
        if op.role is Role.STATISTICS:
            yield [group.owner(j, s) for j in range(len(group.outputs))], elements
        elif op.role is Role.FEEDBACK:
            for i, inputs in enumerate(group.inputs):
                yield group.column(i, s), inputs.share(elements, op.sizes.n_in)
        else:
            for j, outputs in enumerate(group.outputs):
                yield group.row(j, s), outputs.share(elements, op.sizes.n_out)
