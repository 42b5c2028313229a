"""Programs against closed forms and against an instrumented numpy that counts what it multiplies."""

import itertools
from functools import partial

import numpy as np
import pytest

from pcsim.network import chain
from pcsim.program import Kind, Phase, Role, inference
from pcsim.theory.counts import backpropagation_counts, predictive_coding_counts
from tests.helpers import programs

pc, bp = (partial(rule, optimiser="sgd") for rule in (programs.pc, programs.bp))

NETWORKS = [(7, 5, 6, 4, 5, 3), (784, 128, 128, 128, 10), (9, 8), (8, 8, 8, 8, 8, 8, 8, 8, 8)]


def check_counts(program, expected):
    assert program.macs() == {
        Kind.PRODUCT_FORWARD: expected.forward,
        Kind.PRODUCT_BACKWARD: expected.backward,
        Kind.WEIGHT_GRADIENT: expected.gradient,
    }
    primitives = program.elementwise()
    assert primitives.get("activation", 0) == expected.activation
    assert primitives.get("derivative", 0) == expected.derivative
    assert primitives["sgd"] == expected.parameters
    assert program.exchanged_words([Role.STATE, Role.FEEDBACK]) == expected.exchanged_words


@pytest.mark.parametrize("widths", NETWORKS)
@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("steps", [0, 1, 2, 4, 9, 30])
@pytest.mark.parametrize("wavefront", [True, False])
@pytest.mark.parametrize("hoist", [True, False])
def test_pc_program_has_the_closed_form_counts(widths, batch, steps, wavefront, hoist):
    program = pc(widths, batch, steps, wavefront=wavefront, hoist=hoist)
    expected = predictive_coding_counts(
        widths, batch, steps=steps, wavefront=wavefront, hoist=hoist
    )
    check_counts(program, expected)
    primitives = program.elementwise()
    # A state update is derivative, multiply, subtract, multiply_add; an error is one subtract.
    assert primitives.get("multiply", 0) + primitives.get("multiply_add", 0) * 2 == expected.state
    assert primitives["subtract"] == expected.error + primitives.get("multiply_add", 0)


@pytest.mark.parametrize("widths", NETWORKS)
@pytest.mark.parametrize("batch", [1, 6])
def test_bp_program_has_the_closed_form_counts(widths, batch):
    program = bp(widths, batch)
    expected = backpropagation_counts(widths, batch)
    check_counts(program, expected)
    assert program.elementwise().get("multiply", 0) == expected.state
    assert program.elementwise()["subtract"] == expected.error


@pytest.mark.parametrize("steps", [1, 2, 4, 9])
@pytest.mark.parametrize("hoist", [True, False])
def test_pc_macs_equal_those_of_an_instrumented_numpy_run(steps, hoist):
    widths, batch = (7, 5, 6, 4, 5, 3), 2
    depth = len(widths) - 1
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((b, a)) * 0.5 for a, b in itertools.pairwise(widths)]
    multiplied = 0

    def matmul(a, b):
        nonlocal multiplied
        multiplied += a.shape[0] * a.shape[1] * b.shape[1]
        return a @ b

    z = [rng.standard_normal((batch, widths[0]))]
    for w in weights:
        z.append(matmul(np.tanh(z[-1]) if len(z) > 1 else z[-1], w.T))
    p = [None, *z[1:]]
    z[depth] = rng.standard_normal((batch, widths[-1]))
    e = [None] + [z[layer] - p[layer] for layer in range(1, depth + 1)]
    for step in range(1, steps + 1):
        feedback = {layer: matmul(e[layer + 1], weights[layer]) for layer in range(1, depth)}
        for layer, c in feedback.items():
            z[layer] = z[layer] + 0.1 * (-e[layer] + (1 - np.tanh(z[layer]) ** 2) * c)
        for layer in range(1, depth + 1):
            if layer > 1 or not hoist:
                below = np.tanh(z[layer - 1]) if layer > 1 else z[0]
                p[layer] = matmul(below, weights[layer - 1].T)
            e[layer] = z[layer] - p[layer]
        # The light cone: which errors are non-zero after this step.
        moved = [layer for layer in range(1, depth + 1) if np.abs(e[layer]).max() > 1e-15]
        assert moved == list(range(max(1, depth - step), depth + 1))
    for layer in range(1, depth + 1):
        matmul(e[layer].T, np.tanh(z[layer - 1]) if layer > 1 else z[0])
    program = pc(widths, batch, steps, wavefront=False, hoist=hoist)
    assert sum(program.macs().values()) == multiplied
    assert pc(widths, batch, steps).credited == tuple(moved)


def test_the_size_of_a_program_does_not_depend_on_the_number_of_steps():
    assert len(pc((8, 8, 8, 8), 4, 1000).ops) == len(pc((8, 8, 8, 8), 4, 3).ops)


def test_operation_keys_are_unique_and_every_need_exists():
    for program in (
        pc((8, 7, 6, 5), 4, 3),
        bp((8, 7, 6, 5), 4),
        inference(chain((8, 7), "relu"), batch=2),
    ):
        keys = [op.key for op in program.ops]
        assert len(set(keys)) == len(keys)
        assert {need.op for op in program.ops for need in op.needs} <= set(keys)


def test_ops_within_a_step_need_only_earlier_ones_unless_they_look_back_a_step():
    program = pc((8, 7, 6, 5, 4), 4, 3)
    position = {op.key: index for index, op in enumerate(program.ops)}
    for op in program.ops:
        for need in op.needs:
            same_phase = op.phase is need.op.phase
            if same_phase and not need.back:
                assert position[need.op] < position[op.key]


def test_uniform_wavefront_halves_the_products_at_full_credit():
    width, depth = 8, 9
    widths = (width,) * (depth + 1)
    for steps in (8, 20):
        program = pc(widths, 1, steps)
        per_product = width * width * (depth - 1) * (2 * steps + 2 - depth) // 2
        assert program.macs()[Kind.PRODUCT_BACKWARD] == per_product


def test_a_linear_network_applies_no_activation_function():
    assert "activation" not in pc((8, 7, 6), 4, 3, phi="linear").elementwise()
    assert "derivative" not in bp((8, 7, 6), 4, phi="linear").elementwise()


def test_without_steps_only_the_output_layer_learns():
    program = pc((8, 7, 6, 5), 4, 0)
    assert program.credited == (3,)
    assert program.macs()[Kind.WEIGHT_GRADIENT] == 4 * 6 * 5
    assert program.macs()[Kind.PRODUCT_BACKWARD] == 0


def test_counts_are_linear_in_the_batch_and_affine_in_the_steps_without_wavefront():
    def macs(batch, steps):
        return sum(pc((9, 7, 5, 3), batch, steps, wavefront=False).macs().values())

    assert macs(12, 5) == 12 * macs(1, 5)
    assert macs(2, 9) - 2 * macs(2, 8) + macs(2, 7) == 0


def test_setup_only_loads():
    for op in pc((8, 7, 6), 4, 3).ops:
        if op.phase is Phase.SETUP:
            assert op.kind is Kind.EXCHANGE
            assert op.role in (Role.WEIGHTS, Role.INPUT, Role.TARGET)


RESIDUAL = (12, 8, 8, 8, 8, 5)
"""Five layers; 2, 3 and 4 have a skip."""


@pytest.mark.parametrize("steps", [1, 3, 9])
def test_a_residual_scaled_network_adds_these_elementwise_operations(steps):
    batch, width = 6, 8
    plain = pc(RESIDUAL, batch, steps, wavefront=False).elementwise()
    form = pc(
        RESIDUAL, batch, steps, wavefront=False, parameterisation="mupc", skips=True
    ).elementwise()
    hidden, skipped = 4, 3
    # Each skip layer: p = a u + z once at the start and once a step, c phi' a + e once a step.
    assert form["multiply_add"] - plain["multiply_add"] == batch * width * skipped * (1 + steps)
    assert form["add"] == batch * width * skipped * steps
    # a_l: layer 1 once (hoisted), the output layer once and in every step; on the way down in every
    # step of every layer but the first.
    multiplied = batch * (width + 5 * (1 + steps) + width * steps * (skipped + 1))
    assert form["multiply"] - plain["multiply"] == multiplied
    # phi and phi' are applied as often, only elsewhere.
    assert form["derivative"] == plain["derivative"] == batch * width * hidden * steps
    assert form["activation"] == plain["activation"]
    assert form["subtract"] == plain["subtract"]


def test_skips_of_bp_add_one_addition_up_and_one_down_per_skipped_unit():
    batch, skipped_units = 6, 3 * 8
    plain, form = (bp(RESIDUAL, batch, skips=skips).elementwise() for skips in (False, True))
    assert form.pop("add") == 2 * batch * skipped_units
    assert form == plain


def test_biases_add_one_addition_per_prediction_and_one_per_gradient():
    batch, steps, widths = 6, 3, (9, 7, 5, 3)
    units = 7 + 5 + 3
    plain, form = (
        pc(widths, batch, steps, wavefront=False, bias=b).elementwise() for b in (False, True)
    )
    # Start: all layers; each step: those whose prediction changes; finish: the sum over the batch.
    assert form.pop("add") == batch * (units + steps * (5 + 3) + units)
    assert form.pop("sgd") == plain.pop("sgd") + units
    assert form == plain


def test_post_placement_moves_phi_behind_the_product():
    batch, steps, widths = 6, 4, (9, 7, 5, 3)
    pre, post = (
        pc(widths, batch, steps, wavefront=False, post=p).elementwise() for p in (False, True)
    )
    hidden = 7 + 5
    # pre: phi of each moved state. post: phi of each new prediction; the hoisted first one only once.
    assert pre["activation"] == batch * hidden * (1 + steps)
    assert post["activation"] == batch * (hidden + steps * 5)
    assert post["derivative"] == pre["derivative"] == batch * hidden * steps
    assert bp(widths, batch, post=True).elementwise() == bp(widths, batch).elementwise()


@pytest.mark.parametrize(
    "form", [{"skips": True}, {"post": True}, {"bias": True}, {"parameterisation": "mupc"}]
)
def test_no_form_changes_the_products_or_the_words_between_layers(form):
    for plain, other in (
        (pc(RESIDUAL, 6, 3), pc(RESIDUAL, 6, 3, **form)),
        (bp(RESIDUAL, 6), bp(RESIDUAL, 6, **form)),
    ):
        assert plain.macs() == other.macs()
        roles = [Role.STATE, Role.FEEDBACK]
        assert plain.exchanged_words(roles) == other.exchanged_words(roles)
