"""Which tiles does each part get when parts get tiles by their work?

`apart`: every part has tiles of its own, so many that the busiest tile of all has as little to do as possible. That is
best where parts work at the same time. `together`: every part is spread over as many tiles as make it smaller, and
parts share tiles; best where they work one after the other, as then each has the whole chip for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from pcsim.config import Formats
from pcsim.placement.blocks import Blocks
from pcsim.placement.groups import Split
from pcsim.placement.needs import LayerNeeds
from pcsim.placement.work import UsefulCut
from pcsim.program import Program

Positions = list[tuple[Split, int]]
"""Of every part its split, and its first position along the snake, behind whose end the beginning follows."""


def apart(cuts: Sequence[Sequence[UsefulCut]], tiles: int) -> Positions | None:
    """Side by side on up to ``tiles`` tiles, the most rounds of any tile as few as possible; None where they need more.

    The fewest that all parts can keep are found by bisection among all numbers of rounds that there are; each part
    then has the fewest tiles that keep them.
    """
    levels = sorted({cut.rounds for each in cuts for cut in each})
    low, high = 0, len(levels)
    while low < high:
        middle = (low + high) // 2
        chosen = _at_most(cuts, levels[middle])
        if chosen is not None and sum(cut.parts.tiles for cut in chosen) <= tiles:
            high = middle
        else:
            low = middle + 1
    chosen = _at_most(cuts, levels[low]) if low < len(levels) else None
    if chosen is None:
        return None
    ends = accumulate(cut.parts.tiles for cut in chosen)
    return [(cut.parts, end - cut.parts.tiles) for cut, end in zip(chosen, ends, strict=True)]


def _at_most(cuts: Sequence[Sequence[UsefulCut]], rounds: int) -> list[UsefulCut] | None:
    """Of each part the cut over the fewest tiles that leaves at most so many ``rounds``."""
    chosen = []
    for each in cuts:
        cut = next((cut for cut in each if cut.rounds <= rounds), None)
        if cut is None:
            return None
        chosen.append(cut)
    return chosen


class Filling:
    """Tiles that fill up. Its life: built empty, then ``place`` one part after the other."""

    def __init__(
        self, tiles: int, formats: Formats, *, sram_bytes: int | None, blocks: Blocks | None
    ) -> None:
        self.formats = formats
        self.limits = [
            np.inf,
            np.inf if sram_bytes is None else sram_bytes,
            blocks.available if blocks else np.inf,
        ]
        self.blocks = blocks
        self.used = np.zeros((3, tiles), np.int64)
        """Rounds, bytes and blocks of every tile."""

    def place(self, program: Program, part: int, cut: UsefulCut) -> int | None:
        """The first of the tiles where the busiest stays least busy, of equal ones the fullest least full; None where
        no stretch has room. All of that is taken."""
        own = self._own(program, part, cut)
        tiles = self.used.shape[1]
        around = np.concatenate((self.used, self.used[:, : cut.parts.tiles - 1]), axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(around, cut.parts.tiles, axis=1)
        most = (windows + own[:, None, :]).max(axis=2)
        holds = (most <= np.array(self.limits)[:, None]).all(axis=0)
        if not holds.any():
            return None
        key = [(*most[:, at].tolist(), at) for at in np.flatnonzero(holds).tolist()]
        start = int(min(key)[-1])
        self.used[:, (start + np.arange(cut.parts.tiles)) % tiles] += own
        return start

    def _own(self, program: Program, part: int, cut: UsefulCut) -> NDArray[np.int64]:
        """What a part adds to each of its tiles, at most: owners of its outputs keep more than others."""
        needs = LayerNeeds.of(program, part, self.formats)
        largest = needs.largest(cut.parts)
        batch = -(-program.batch // cut.parts.samples)
        owner, other = (
            sum(
                needs.bytes_of(
                    largest.n_in, largest.n_out, owner=owns, parts=cut.parts, samples=batch
                ).values()
            )
            for owns in (True, False)
        )
        own = np.zeros((3, cut.parts.tiles), np.int64)
        own[0] = cut.rounds
        own[1] = other
        own[1, :: 1 if needs.sizes.paired else cut.parts.inputs] = owner
        if self.blocks:
            own[2] = self.blocks.needed(part, cut.parts.inputs, cut.parts.outputs)
        return own


def together(
    program: Program, cuts: Sequence[Sequence[UsefulCut]], filling: Filling, *, widest: int
) -> Positions | None:
    """Each over up to ``widest`` tiles of the chip, where it meets least work; None where some part finds no room.

    A part that finds none on so many tiles is tried on fewer, then on more. Those with most work come first.
    """
    wanted = [_by_preference(each, widest) for each in cuts]
    found: dict[int, tuple[Split, int]] = {}
    largest = sorted(range(len(cuts)), key=lambda at: -wanted[at][0].rounds)
    for part in largest:
        for cut in wanted[part]:
            start = filling.place(program, part + 1, cut)
            if start is not None:
                found[part] = cut.parts, start
                break
        else:
            return None
    return [found[part] for part in range(len(cuts))]


def _by_preference(cuts: Sequence[UsefulCut], widest: int) -> list[UsefulCut]:
    within = [cut for cut in cuts if cut.parts.tiles <= widest]
    return [*reversed(within), *cuts[len(within) :]]
