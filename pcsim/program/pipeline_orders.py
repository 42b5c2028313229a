"""In which order does each stage of a pipeline take its work on micro-batches?

The orders in which stage s of S takes forward F(m), backward B(m) and weight gradient W(m) of
micro-batch m of M:

    gpipe   all F, then all B with their W                (Huang et al. 2019, arXiv 1811.06965)
    1f1b    S - s + 1 times F, then B W F in turn         (Narayanan et al. 2019, PipeDream-Flush)
    zb_h1   as 1f1b, W(m) behind B(m + s - 1)             (Qi et al. 2023, arXiv 2401.10241)
    zb_h2   2 (S - s) + 1 times F first, W(m) behind B(m + 2 (s - 1))

In the first two a stage sends its feedback when B and W are done, as autograd does; the zero-bubble
schedules send it after B. Updates wait for all micro-batches: no weight is stale. Where the turns of
stages come from: F(m) of stage s before B(n) exactly if m < n + the F that come first, so that each
kind of work has a turn linear in m, and turns never contradict needs, also where stages share a tile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pcsim.program.ops import Turn

Stash = Literal["kept", "recomputed", "spilled"]

PREFETCHED = 2
"""Micro-batches of a spilled stash that are on the chip: one in use, one arriving."""


@dataclass(frozen=True)
class PipelineStage:
    """Stage s of S stages with M micro-batches."""

    s: int
    S: int
    M: int


@dataclass(frozen=True)
class PipelineOrder:
    """The order of a stage's work: the turns of F, B and W, and what that makes it stash.

    ``joint``: feedback leaves a stage only when W is done, too. ``stash``: micro-batches between the
    beginning of F and the end of W, at most.
    """

    joint: bool
    forward: Callable[[PipelineStage], Turn]
    backward: Callable[[PipelineStage], Turn]
    weights: Callable[[PipelineStage], Turn]
    stash: Callable[[PipelineStage], int]
    put_off: Callable[[PipelineStage], int] = lambda at: 0
    """Of how many micro-batches B comes before W of an earlier one."""


ORDERS = {
    "gpipe": PipelineOrder(
        joint=True,
        forward=lambda at: Turn(2, 0),
        backward=lambda at: Turn(2, 2 * at.M + 1),
        weights=lambda at: Turn(2, 2 * at.M + 1),
        stash=lambda at: at.M,
    ),
    "1f1b": PipelineOrder(
        joint=True,
        forward=lambda at: Turn(6, 3 * at.s),
        backward=lambda at: Turn(6, 6 * at.S - 3 * at.s + 1),
        weights=lambda at: Turn(6, 6 * at.S - 3 * at.s + 2),
        stash=lambda at: min(at.M, at.S - at.s + 1),
    ),
    "zb_h1": PipelineOrder(
        joint=False,
        forward=lambda at: Turn(6, 3 * at.s),
        backward=lambda at: Turn(6, 6 * at.S - 3 * at.s + 1),
        weights=lambda at: Turn(6, 6 * at.S - 3 * at.s + 2 + 6 * (at.s - 1)),
        stash=lambda at: min(at.M, at.S),
        put_off=lambda at: at.s - 1,
    ),
    "zb_h2": PipelineOrder(
        joint=False,
        forward=lambda at: Turn(6, 6 * at.s),
        backward=lambda at: Turn(6, 6 * (2 * at.S - at.s + 1) - 2),
        weights=lambda at: Turn(6, 6 * (2 * at.S - at.s + 1) - 1 + 12 * (at.s - 1)),
        stash=lambda at: min(at.M, 2 * at.S - 1),
        put_off=lambda at: 2 * (at.s - 1),
    ),
}
"""Each linear in m, none of F, B and W of one stage ever in the same turn (but B and W of gpipe, which
keep their place in the program)."""
