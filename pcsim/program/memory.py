"""What does a layer keep in memory, and of how many micro-batches?"""

from __future__ import annotations

from pcsim.config import Value
from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import OPTIMISER_WORDS


def keep_forward_memory(
    program: ProgramBuilder,
    form: Form,
    layer: int,
    *,
    operands: int | None = None,
    activities: int | None = None,
) -> None:
    """What a forward pass keeps: weights, biases, the operand (the batch double buffered; z beside
    phi(z) where z is added, too), the product.

    ``operands``, ``activities``: of how many micro-batches at a time; of all unless given. A prediction
    is summed up where it will lie, which must hold the wider sums.
    """
    kept = program.micro_batches if operands is None else operands
    active = program.micro_batches if activities is None else activities
    copies = 2 * program.micro_batches if layer == 1 else kept
    program.keep(layer, "weights", "weight", Value.WEIGHT, axis="weight")
    program.keep(layer, "operand", "state", Value.STATE, axis="in", copies=copies)
    if form.skip(layer):
        program.keep(
            layer, "skipped state", "state", Value.STATE, axis="out", copies=kept, owner=True
        )
    if form.bias:
        program.keep(layer, "biases", "weight", Value.WEIGHT, axis="unit", owner=True)
    program.keep(layer, "prediction", "state", Value.ACCUMULATE, axis="out")
    if layer < program.depth:
        program.keep(
            layer, "activation out", "state", Value.STATE, axis="out", copies=active, owner=True
        )


def keep_learning_memory(
    program: ProgramBuilder, form: Form, layer: int, *, errors: int | None = None
) -> None:
    """What learning keeps besides: gradient, optimiser state, error, feedback in and out, target, and the
    weights that the optimiser steps where products read a copy of them.

    ``errors``: of how many micro-batches errors are kept at a time; of all unless given.
    """
    errors = program.micro_batches if errors is None else errors
    program.keep(layer, "gradient", "gradient", Value.ACCUMULATE, axis="weight")
    moments = OPTIMISER_WORDS[program.optimiser or "sgd"]
    if moments:
        program.keep(layer, "moments", "optimiser", Value.OPTIMISER, axis="weight", copies=moments)
    if program.master:
        program.keep(layer, "master weights", "master", Value.MASTER, axis="weight")
    if form.bias:
        _keep_bias_learning(program, layer, moments=moments)
    program.keep(layer, "error", "error", Value.ERROR, axis="out", copies=errors)
    if layer > 1:
        program.keep(layer, "feedback out", "error", Value.ACCUMULATE, axis="in")
    if form.skip(layer):
        program.keep(layer, "skipped error", "error", Value.ERROR, axis="in")
    if layer < program.depth:
        program.keep(layer, "feedback in", "error", Value.ERROR, axis="out", owner=True)
    else:
        copies = 2 * program.micro_batches
        program.keep(layer, "target", "state", Value.STATE, axis="out", copies=copies, owner=True)


def _keep_bias_learning(program: ProgramBuilder, layer: int, *, moments: int) -> None:
    """For the biases what learning keeps for the weights."""
    program.keep(layer, "bias gradient", "gradient", Value.ACCUMULATE, axis="unit", owner=True)
    if moments:
        program.keep(
            layer,
            "bias moments",
            "optimiser",
            Value.OPTIMISER,
            axis="unit",
            copies=moments,
            owner=True,
        )
    if program.master:
        program.keep(layer, "master biases", "master", Value.MASTER, axis="unit", owner=True)
