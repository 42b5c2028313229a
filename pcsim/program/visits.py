"""In which order does a tile that holds few layers at a time go through many?

A visit of layer l in step t does all that W_l is for: feedback to z_{l-1}, its move, and the prediction of layer l
from it. It needs what the visits of l - 1, l and l + 1 left behind in step t - 1, so visits form a stencil over
layers and steps, and may be taken

- layer by layer (``window`` 0): all layers of a step from the top down, then the next step;
- skewed (``window`` G): G neighbouring layers through all steps, one layer lower each step, then the next G:
  W is loaded about L T / G + L times in place of L T.

Either way a layer learns as soon as its last error is there, while its weights still are.
"""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.program.ops import IN_TURN, Turn


@dataclass(frozen=True)
class Visits:
    """The order of visits over L layers; ``window`` G is skewed, 0 is layer by layer."""

    layers: int
    window: int = 0

    def turn(self, layer: int) -> Turn:
        """Of the visit of ``layer``, 2 .. L. In a step the highest comes first."""
        if self.window:
            return Turn(window=self.window, shift=layer - 2)
        return Turn(stride=self.layers + 1, offset=self.layers - layer)

    def turn_of_error(self, layer: int) -> Turn:
        """Of e_l, which the visits of l + 1 (its state) and of l (its prediction) make."""
        if self.window:
            return self.turn(min(max(layer, 1) + 1, self.layers))
        return self.turn(layer)


def turn(visits: Visits | None, layer: int) -> Turn:
    """Of the visit of ``layer``, where visits have an order."""
    return visits.turn(layer) if visits else IN_TURN


def turn_of_error(visits: Visits | None, layer: int) -> Turn:
    """Of the error of ``layer``, where visits have an order."""
    return visits.turn_of_error(layer) if visits else IN_TURN
