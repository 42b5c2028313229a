"""Messages that tell only what has changed: by more than a threshold since it was told last.

Every step the sender compares its values with those that are known and sends the others, with their
places. States go up thinned out, errors to the other tiles of their own layer; feedback is a sum over all
errors, so it goes down whole, and products stay dense. What was told in each step is part of a
training's profile; before one is known, everything is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pcsim.program.builder import ProgramBuilder
from pcsim.program.kernels import COMPARE, SUBTRACT, Kernel
from pcsim.program.ops import Key, Place, Role
from pcsim.program.parts import elementwise
from pcsim.program.words import Words


@dataclass(frozen=True)
class Told:
    """How many values each layer told in each step: ``states[t][l - 1]`` of layer l in step t (row 0 is the start,
    at which everything is told), ``errors`` alike."""

    states: Sequence[Sequence[int]]
    errors: Sequence[Sequence[int]]

    def of(self, role: Role, layer: int, place: Place) -> tuple[int, ...] | None:
        """What ``layer`` tells in each instance of ``place``; None where nothing is recorded."""
        rows = self.states if role is Role.STATE else self.errors
        if not rows:
            return None
        steps = range(place.first, place.last + 1)
        return tuple(rows[min(step, len(rows) - 1)][layer - 1] for step in steps)


EVERYTHING = Told((), ())
"""Compared and then told all the same: an upper bound, before a training has said more."""


def compare(
    program: ProgramBuilder, told: Told | None, role: Role, layer: int, place: Place, ready: Key
) -> Key:
    """The comparison before ``role`` of ``layer`` is sent; nothing where everything is told."""
    if told is None:
        return ready
    kind = Words(state=1) if role is Role.STATE else Words(error=1)
    kernel = Kernel((SUBTRACT, COMPARE), reads=kind + kind, writes=kind)
    changed = Role.CHANGED_STATE if role is Role.STATE else Role.CHANGED_ERROR
    return elementwise(program, changed, layer, place, kernel, [ready])
