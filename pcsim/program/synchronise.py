"""All layers agree after a step: a word from each up a tree, an answer down the same tree.

Layer l > 1 reports to layer l - b, b the lowest one bit of l - 1 (a binomial tree, log2 L deep), once those
that report to it have done so; layer 1 answers. As a step barrier the words are mere signals. As a check
whether a batch has settled they are parts of the energy, which every layer forms of its own errors. With a
lag of k the answer to step t is waited for by step t + 1 + k only: it arrives beside the work, and k steps
are made in vain at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pcsim.program.builder import ProgramBuilder
from pcsim.program.kernels import MULTIPLY_ADD, Kernel
from pcsim.program.loop import Loop
from pcsim.program.ops import IN_TURN, Key, Kind, Need, Phase, Role, Turn
from pcsim.program.parts import elementwise
from pcsim.program.words import Words

ROOT = 1


@dataclass(frozen=True)
class Control:
    """What layers wait for between steps. ``energy``: the settling of the batch, else only one another."""

    energy: bool = False
    lag: int = 0


def parent(layer: int) -> int:
    """The layer to which ``layer`` > 1 reports."""
    return layer - ((layer - 1) & -(layer - 1))


def wait_for(control: Control | None, layer: int, *, back: int) -> list[Need]:
    """What ``layer`` waits for before a step; ``back`` instances lie between two steps."""
    if control is None:
        return []
    return [Need(Key(Kind.EXCHANGE, Role.ANSWER, layer, Phase.STEP), back * (1 + control.lag))]


def _error(layer: int) -> Key:
    return Key(Kind.ELEMENTWISE, Role.ERROR, layer, Phase.STEP)


def synchronise(
    program: ProgramBuilder,
    control: Control | None,
    loop: Loop,
    *,
    first: Callable[[int], int],
    error: Callable[[int], Key] = _error,
    turn: Callable[[int], Turn] = lambda layer: IN_TURN,
) -> None:
    """Reports and answers after every step but the last (after the last one, too, where it may end all).

    ``first`` is the step from which on a layer has errors; until then it reports nothing of its own.
    ``error`` is the operation after which its error of the step is final, ``turn`` the turn of that.
    """
    if control is None:
        return
    last = loop.steps - (not control.energy)
    layers = range(program.depth, 0, -1)
    begins = {layer: first(layer) for layer in layers}
    for layer in range(program.depth, ROOT, -1):  # Who reports to a layer has a larger number.
        begins[parent(layer)] = min(begins[parent(layer)], begins[layer])
    for layer in layers:
        needs: list[Need | Key] = [error(layer)]
        if control.energy:
            own = loop.place(first(layer), last=last, turn=turn(layer), stage="control")
            squares = Kernel((MULTIPLY_ADD,), Words(error=1), Words())
            needs = [elementwise(program, Role.ENERGY, layer, own, squares, needs)]
        needs += [
            Key(Kind.EXCHANGE, Role.REPORT, child, Phase.STEP)
            for child in range(layer + 1, program.depth + 1)
            if parent(child) == layer
        ]
        place = loop.place(begins[layer], last=last, stage="control")
        program.add(Kind.EXCHANGE, layer, place, role=Role.REPORT, elements=1, needs=needs)
    place = loop.place(begins[ROOT], last=last, stage="control")
    for layer in reversed(layers):
        told = Key(Kind.EXCHANGE, Role.REPORT, ROOT, Phase.STEP)
        if layer > ROOT:
            told = Key(Kind.EXCHANGE, Role.ANSWER, parent(layer), Phase.STEP)
        program.add(Kind.EXCHANGE, layer, place, role=Role.ANSWER, elements=1, needs=[told])
