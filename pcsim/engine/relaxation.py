"""How do the states of one batch relax? The settings of predictive coding's inference, and what they allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pcsim.network import RULES

VariantName = Literal["pc", "ipc", "z_il", "fpa", "epc"]
OrderName = Literal["jacobi", "gauss_seidel", "red_black"]
DescentName = Literal["gd", "momentum", "adam"]
NudgingName = Literal["none", "positive", "negative", "centred"]


@dataclass(frozen=True)
class Relaxation:
    """``steps`` inference steps of per-sample size ``rate``.

    ``variant``: pc; ipc steps the weights with the states; z_il and fpa keep the feed-forward
    predictions; epc moves errors in the place of states. Only pc reads what follows: ``order``;
    ``descent``, with its ``momentum``; ``tolerance``, the relative fall of F below which a batch has
    settled (0: never); ``threshold``, the change up to which neighbours are not told (0: always).
    """

    steps: int
    rate: float
    wavefront: bool = True
    variant: VariantName = "pc"
    order: OrderName = "jacobi"
    descent: DescentName = "gd"
    momentum: float = 0.9
    tolerance: float = 0.0
    threshold: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether this is the reference algorithm, which has kernels of its own."""
        return (
            RULES[self.variant].reads_all
            and self.order == "jacobi"
            and self.descent == "gd"
            and self.tolerance == self.threshold == 0
        )

    @property
    def in_blocks(self) -> bool:
        """Whether the samples of a batch may relax apart: unless they settle or learn together."""
        return self.tolerance == 0 and not RULES[self.variant].learns_along


@dataclass(frozen=True)
class Nudging:
    """The output is drawn to u - beta (u - y), u the feed-forward output, and gradients are divided by beta.

    positive: beta as given; negative: minus that; centred: either, at random for each batch.
    """

    kind: NudgingName = "none"
    beta: float = 1.0

    def betas(self, seed: int, *, first: int, count: int) -> list[float]:
        """The signed beta of each of ``count`` updates from ``first`` on."""
        import numpy as np

        if self.kind == "centred":
            updates = range(first, first + count)
            return [
                self.beta * (1 - 2 * int(np.random.default_rng((seed, 2, update)).integers(2)))
                for update in updates
            ]
        return [-self.beta if self.kind == "negative" else self.beta] * count
