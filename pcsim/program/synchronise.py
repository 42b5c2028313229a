"""All layers agree after a step: a word from each up a tree, an answer down the same tree.

Layer l > 1 reports to layer l - b, b the lowest one bit of l - 1 (a binomial tree, log2 L deep), once those
that report to it have done so; layer 1 answers. As a step barrier the words are mere signals. As a check of
early stop they are partial sums of the energy, which every layer forms of its own errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pcsim.program.builder import ProgramBuilder
from pcsim.program.kernels import ADD, MULTIPLY_ADD, Kernel
from pcsim.program.ops import Key, Kind, Need, Phase, Place, Role
from pcsim.program.parts import elementwise
from pcsim.program.relaxing import Loop

ROOT = 1


def parent(layer: int) -> int:
    """The layer to which ``layer`` > 1 reports."""
    return layer - ((layer - 1) & -(layer - 1))


def synchronise(
    program: ProgramBuilder,
    loop: Loop,
    *,
    first: Callable[[int], int],
    last: int,
    energy: bool,
) -> None:
    """After each step up to ``last``, from the one on in which layer l has errors, ``first(l)``.

    ``energy``: the words are sums of squared errors. Until a layer has errors it reports nothing.
    """
    words = program.micro_batches and 1
    layers = range(program.depth, 0, -1)
    begins = {layer: first(layer) for layer in layers}
    for layer in layers:  # Children first: their numbers are larger.
        if layer > ROOT:
            begins[parent(layer)] = min(begins[parent(layer)], begins[layer])
    for layer in layers:
        own = loop.place(first(layer), last=last, stage="control")
        place = loop.place(begins[layer], last=last, stage="control")
        needs: list[Need | Key] = [Key(Kind.ELEMENTWISE, Role.ERROR, layer, Phase.STEP)]
        if energy:
            squares = Kernel((MULTIPLY_ADD,), reads=1, writes=0)
            needs = [elementwise(program, Role.ENERGY, layer, own, squares, needs)]
        needs += [
            Key(Kind.EXCHANGE, Role.REPORT, child, Phase.STEP)
            for child in range(layer + 1, program.depth + 1)
            if parent(child) == layer
        ]
        program.add(
            Kind.EXCHANGE, layer, place, role=Role.REPORT, elements=words, needs=needs
        )
    for layer in reversed(layers):
        # Who goes on is told; whether layer l takes part yet, it knows itself.
        place = loop.place(begins[ROOT], last=last, stage="control")
        told = Key(Kind.EXCHANGE, Role.ANSWER, parent(layer), Phase.STEP) if layer > ROOT else (
            Key(Kind.EXCHANGE, Role.REPORT, ROOT, Phase.STEP)
        )
        program.add(
            Kind.EXCHANGE, layer, place, role=Role.ANSWER, elements=words, needs=[told]
        )


def answered(layer: int, *, back: int) -> Need:
    """The answer to ``layer`` ``back`` instances earlier."""
    return Need(Key(Kind.EXCHANGE, Role.ANSWER, layer, Phase.STEP), back)
