"""How much work has each part of a network, and how much of that has one tile when the part is cut?

Work is counted in rounds: how often a unit is used as a whole. An array of 16 x 16 cells needs as many rounds for
8 x 8 weights as for 16 x 16, so that only a cut into slices of whole blocks leaves a tile less to do. Rounds follow
from sizes alone; how long one takes, and what waits for what, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from pcsim.config import ComputeUnit, Hardware, Value
from pcsim.placement.groups import Split
from pcsim.placement.needs import LayerNeeds, Room
from pcsim.program import PRODUCTS, Kind, Program, Role
from pcsim.program.contractions import Contraction
from pcsim.program.sizes import Sizes

LEVEL = 4
"""Lane operations that a word takes on each level of a tree of partial sums: sent, received, read and added."""


@dataclass(frozen=True)
class Rates:
    """What the units of one tile do at once; lanes of None do everything at once."""

    compute: ComputeUnit
    vector: int | None
    update: int | None

    @classmethod
    def of(cls, hardware: Hardware) -> Rates:
        tiles = hardware.tiles
        return cls(tiles.compute, tiles.vector.lanes, tiles.update.lanes)

    def __hash__(self) -> int:
        return hash((self.compute.kind, self.vector, self.update))


@dataclass(frozen=True)
class PartLoad:
    """What an update asks of one part.

    ``products`` are what it multiplies, with sizes and how often. ``on_outputs``, ``on_inputs``: lane operations of
    elementwise work on its outputs and on its operand; ``on_weights``: of the optimiser on each weight. ``sums_out``,
    ``sums_in``: how often partial sums of the outputs and of the inputs meet where the other side is cut.
    """

    products: tuple[tuple[Contraction, Sizes, int], ...]
    on_outputs: int
    on_inputs: int
    on_weights: int
    sums_out: int
    sums_in: int

    @cached_property
    def _hash(self) -> int:
        return hash((self.products, self.on_outputs, self.on_inputs, self.on_weights))

    def __hash__(self) -> int:
        return self._hash


def work_of(program: Program) -> tuple[PartLoad, ...]:
    """The work of parts 1 to P in one update."""
    products: list[dict[tuple[Contraction, Sizes], int]] = [{} for _ in program.parts]
    counts = [[0] * 5 for _ in program.parts]
    for op in program.ops:
        mine = counts[op.layer - 1]
        if op.kind in PRODUCTS:
            key = op.contraction, op.sizes
            made = products[op.layer - 1]
            made[key] = made.get(key, 0) + op.instances
            if op.kind is not Kind.WEIGHT_GRADIENT:
                mine[3 if op.kind is Kind.PRODUCT_FORWARD else 4] += op.instances
        elif op.kind is Kind.UPDATE and op.role is None:
            mine[2] += op.instances * op.kernel.lane_ops
        elif op.kind is Kind.ELEMENTWISE and op.role is not Role.GRADIENT:
            on_inputs = op.role in (Role.OPERAND, Role.FOLDED, Role.FEEDBACK)
            mine[on_inputs] += op.instances * op.kernel.lane_ops * op.elements
    return tuple(
        PartLoad(tuple((*key, often) for key, often in made.items()), *mine)
        for made, mine in zip(products, counts, strict=True)
    )


class UsefulCut(NamedTuple):
    """A way to cut a part: the ``rounds`` that are left for its busiest tile, and ``moved``, bits that its products
    send in one pass forward and back."""

    rounds: int
    moved: float
    parts: Split


@lru_cache(maxsize=1 << 10)  # Deep networks repeat parts, and schedules their network.
def useful_cuts(
    work: PartLoad, needs: LayerNeeds, rates: Rates, room: Room, tiles: int
) -> tuple[UsefulCut, ...]:
    """The cuts over up to ``tiles`` tiles that fit ``room``: of each number of tiles the one that leaves fewest rounds,
    then moves least, and of these only those that leave fewer rounds than all over fewer tiles. None where none fits.
    """
    best: dict[int, UsefulCut] = {}
    for parts in _splits(needs, tiles):
        if not room.holds(needs, parts):
            continue
        cut = UsefulCut(rounds_of(work, needs, rates, parts), needs.moved_bits(parts), parts)
        known = best.get(parts.tiles)
        if known is None or cut[:2] < known[:2]:
            best[parts.tiles] = cut
    useful: list[UsefulCut] = []
    for _, cut in sorted(best.items()):
        if not useful or cut.rounds < useful[-1].rounds:
            useful.append(cut)
    return tuple(useful)


def rounds_of(work: PartLoad, needs: LayerNeeds, rates: Rates, parts: Split) -> int:
    """Rounds of the busiest tile of a part that is cut into ``parts``, in one update."""
    mine = needs.largest(parts)
    batch = -(-needs.batch // parts.samples)
    total = 0
    for contraction, sizes, often in work.products:
        slice_ = sizes.cut(mine.n_in, mine.n_out)
        m, n, k, repeat, *_ = contraction.extent(slice_, batch)
        weights = contraction.operands.stationary is Value.WEIGHT
        once = rates.compute.rounds(m, n, k, needs.formats, by_weights=weights)
        total += often * repeat * once
    outputs, inputs = needs.sizes.n_out, needs.sizes.n_in
    lanes = _share(work.on_outputs, mine.n_out * batch, outputs * needs.batch)
    lanes += _share(work.on_inputs, mine.n_in * batch, inputs * needs.batch)
    lanes += LEVEL * (parts.inputs - 1).bit_length() * work.sums_out * batch * mine.words_out
    if not needs.sizes.paired:
        lanes += LEVEL * (parts.outputs - 1).bit_length() * work.sums_in * batch * mine.words_in
    if parts.samples > 1:
        lanes += 2 * mine.weights  # Gradients come together, and new weights go back.
    total += _over(lanes, rates.vector)
    return total + _over(work.on_weights * mine.weights, rates.update)


def _share(whole: int, part: int, of: int) -> int:
    return -(-whole * part // of)


def _over(amount: int, lanes: int | None) -> int:
    return 0 if lanes is None else -(-amount // lanes)


def _splits(needs: LayerNeeds, tiles: int) -> list[Split]:
    """All over up to ``tiles`` tiles whose slices are no wider than those of fewer."""
    found = []
    samples = 1
    while samples <= min(tiles, needs.most_samples):
        most = tiles // samples
        if needs.sizes.paired:
            found += [Split(1, n, samples) for n in _narrowing(needs.sizes.groups, most)]
        else:
            for inputs in _narrowing(needs.n_in, most):
                for outputs in _narrowing(needs.n_out, most // inputs):
                    found.append(Split(inputs, outputs, samples))
        samples *= 2
    return found


def _narrowing(width: int, most: int) -> list[int]:
    """The numbers of slices up to ``most`` that make the widest of them narrower than any fewer do."""
    found, slices = [], 1
    while slices <= min(width, most):
        widest = -(-width // slices)
        found.append(slices)
        if widest == 1:
            break
        slices = -(-width // (widest - 1))
    return found
