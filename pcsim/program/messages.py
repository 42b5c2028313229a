"""Messages that tell only what has changed: by more than a threshold since it was told last.

Every step the sender compares its values with those that are known and sends the others, with their
places. States go up thinned out, errors to the other tiles of their own part; what is pulled is a sum over all
errors, so it goes down whole, what is made of a value on its way is not compared, and products stay dense. What was
told in each step is part of a training's profile; before one is known, everything is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pcsim.program.ops import Place, Role


@dataclass(frozen=True)
class Told:
    """How many values each node told in each step: ``states[t][n - 1]`` of node n in step t (row 0 is the start, at
    which everything is told), ``errors`` alike."""

    states: Sequence[Sequence[int]]
    errors: Sequence[Sequence[int]]

    def of(self, role: Role, node: int, place: Place) -> tuple[int, ...] | None:
        """What ``node`` tells in each instance of ``place``; None where nothing is recorded."""
        rows = self.states if role is Role.STATE else self.errors
        if not rows:
            return None
        steps = range(place.first, place.last + 1)
        return tuple(rows[min(step, len(rows) - 1)][node - 1] for step in steps)


EVERYTHING = Told((), ())
"""Compared and then told all the same: an upper bound, before a training has said more."""
