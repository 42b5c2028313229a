"""Backpropagation as a program: forward, backward, update, one layer after the other.

delta_L is the output error, delta_{l-1} = phi'(z_{l-1}) * (delta_l W_l), the weight gradient is
-delta_l^T phi(z_{l-1}). phi' is taken from the stored phi(z), which suffices for relu and tanh. Not
here: pipelining over micro-batches, recomputation.
"""

from __future__ import annotations

from pcsim.program.ops import (
    MULTIPLY,
    Kernel,
    Key,
    Kind,
    Need,
    Phase,
    Program,
    ProgramBuilder,
    Role,
    derivative,
)
from pcsim.program.parts import (
    OUTPUT_KERNELS,
    Place,
    elementwise,
    forward_pass,
    keep_forward_memory,
    keep_learning_memory,
    learn,
    load,
    product,
    send,
)


def delta_kernel(phi: str) -> Kernel:
    """delta = phi'(z) * c: reads phi(z) and c, writes delta; a copy where phi is the identity."""
    if phi == "linear":
        return Kernel((), reads=1, writes=1)
    return Kernel((*derivative(phi), MULTIPLY), reads=2, writes=1)


def backpropagation(
    widths: tuple[int, ...], *, batch: int, phi: str, loss: str, optimiser: str
) -> Program:
    """Sequential BP of one whole batch. Each layer's weight gradient starts as soon as its delta is
    there and its backward product, on which the layers below wait, is done."""
    program = ProgramBuilder(widths, batch)
    last = program.depth
    loaded = load(program, with_target=True)
    forward_pass(program, loaded, phi=phi)

    place = Place(Phase.START, "backward")
    needs: list[Need | Key] = [Key(Kind.REDUCE, Role.PREDICTION, last, Phase.START)]
    if loaded.target is not None:
        needs.append(loaded.target)
    delta = elementwise(program, Role.ERROR, last, place, OUTPUT_KERNELS[loss], needs)
    gradient_needs: dict[int, list[Need | Key]] = {}
    for layer in range(last, 0, -1):
        shared = send(program, Role.ERROR, layer, place, [delta])
        if layer > 1:
            operand = Key(Kind.EXCHANGE, Role.STATE, layer - 1, Phase.START)
            summed = product(program, Kind.PRODUCT_BACKWARD, layer, place, [shared])
            feedback = send(program, Role.FEEDBACK, layer, place, [summed])
            kernel = delta_kernel(phi)
            delta = elementwise(program, Role.ERROR, layer - 1, place, kernel, [feedback])
        else:
            operand = loaded.input
        gradient_needs[layer] = [shared, operand]
    learn(program, gradient_needs, optimiser=optimiser)

    for layer in range(1, last + 1):
        keep_forward_memory(program, layer)
        keep_learning_memory(program, layer, optimiser=optimiser)
    credited = tuple(range(1, last + 1))
    return program.build("bp", steps=0, optimiser=optimiser, credited=credited)
