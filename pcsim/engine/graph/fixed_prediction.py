"""fpa and z_il: predictions and slopes stay what the feed-forward pass made them.

z_il moves in step t the nodes whose longest way to the output has t edges (Song et al. 2020; on graphs Salvatori et
al. 2021, arXiv 2103.04689): what they are told is final then, and with rate 1 the errors are backpropagation's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.engine.graph.model import GraphNetwork
from pcsim.engine.graph.order import levels, movers
from pcsim.engine.graph.relaxer import GraphRelaxer
from pcsim.engine.operators.rounding import Rounding
from pcsim.engine.relaxation import Relaxation


class FixedRelaxer(GraphRelaxer):
    """fpa: values and their errors move; predictions, and what operators keep, do not."""

    def __init__(
        self,
        network: GraphNetwork,
        weights: Mapping[str, np.ndarray],
        relaxation: Relaxation,
        samples: int,
        rounding: Rounding | None = None,
    ) -> None:
        super().__init__(network, weights, relaxation, samples, rounding)
        self._fixed = self.room()

    def moving(self) -> tuple[int, ...]:
        """The nodes that move in the step to come."""
        return movers(self.graph, self.hidden, self.alive)

    def move_once(self) -> None:
        """One step of all nodes that move."""
        moved = self.moving()
        self._move(moved)
        for number in moved:
            np.subtract(self.z[number], self.p[number], out=self.e[number])
            self._written(number)
        self.alive |= set(moved)


class LevelRelaxer(FixedRelaxer):
    """z_il: as fpa, but in step t only the nodes whose longest way to the output has t edges."""

    def moving(self) -> tuple[int, ...]:
        """The nodes that move in the step to come."""
        of = levels(self.graph)
        return tuple(number for number in self.hidden if of[number] == self.done + 1)
