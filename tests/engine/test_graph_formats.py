"""Graphs in the numbers of a chip: a chain as a graph against the chain, bit for bit; other graphs by plain ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pcsim.engine.graph as graphs
from pcsim.config import OptimiserSettings
from pcsim.engine.graph import GraphNetwork
from pcsim.engine.graph.learner import GraphLearner
from pcsim.engine.learner import Learner
from pcsim.engine.network import batch_rows, initial_weights
from pcsim.engine.numerics.quantise import quantised
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.setup import TrainingSetup
from pcsim.formats import parse_format
from pcsim.network import graph_of
from pcsim.network.operators import Attention, Conv2d
from tests.engine.test_formats import (
    BATCH,
    DOUBLE,
    FORMS,
    NOISE,
    NOISELESS,
    NUMBERS,
    RULES,
    SAMPLES,
    SEED,
    data_for,
    numerics,
    plain_rule,
)
from tests.helpers.graphs import chain_as_graph, random_graphs, weights_of
from tests.oracles.reference_rounded_conv import GRAPH, SHAPE, ConvChip


def pair_of(network, numbers, rule, optimiser):
    """A chain's learner and that of the same graph."""
    state = numbers.formats.state
    x, y = data_for(network, replace(state, rounding="nearest"))
    weights, graph = initial_weights(network, SEED), chain_as_graph(network)
    setup = TrainingSetup(x, y, BATCH, optimiser, 9, SEED, numbers)
    theirs = Learner(network, weights, rule, setup)
    of_graph = GraphNetwork(graph, network.loss, network.dtype)
    return GraphLearner(of_graph, weights_of(graph, weights, network), rule, setup), theirs


def assert_learns_as_the_chain(network, numbers, rule, optimiser, updates=3):
    """Weights and outputs after a few updates, all bits."""
    ours, theirs = pair_of(network, numbers, rule, optimiser)
    order = batch_rows(SEED, SAMPLES, batch=BATCH, epochs=1)[:updates]
    for learner in (ours, theirs):
        made, _ = learner.updates(order, done=0)
        assert made == updates
    wanted = weights_of(ours.network.graph, theirs.weights(), network)
    for key, array in ours.weights().items():
        np.testing.assert_array_equal(array, wanted[key], err_msg=key)
    x = theirs.data.samples[:BATCH]
    np.testing.assert_array_equal(ours.outputs(x), theirs.outputs(x))


@pytest.mark.parametrize("rule", ["pc", "bp"])
@pytest.mark.parametrize("numbers", NUMBERS)
def test_a_chain_as_a_graph_is_the_chain_in_every_format(numbers, rule):
    network, formats = NUMBERS[numbers]
    rule = plain_rule(rule, network.layers)
    assert_learns_as_the_chain(network, formats, rule, OptimiserSettings(kind="adam", rate=0.01))


@pytest.mark.parametrize("numbers", ["bf16", "stochastic", "integers"])
@pytest.mark.parametrize("rule", RULES[2:])
def test_a_chain_as_a_graph_is_the_chain_by_every_rule(rule, numbers):
    network, formats = NUMBERS[numbers]
    rule = plain_rule(rule, network.layers)
    assert_learns_as_the_chain(network, formats, rule, OptimiserSettings(kind="sgd", rate=0.1))


@pytest.mark.parametrize("kind", ["momentum", "adamw"])
def test_a_chain_as_a_graph_is_the_chain_by_every_optimiser(kind):
    network, formats = NUMBERS["mixed"]
    rule = plain_rule("pc", network.layers)
    assert_learns_as_the_chain(network, formats, rule, OptimiserSettings(kind=kind, rate=0.02))


@pytest.mark.parametrize("numbers", ["bf16", "stochastic"])
@pytest.mark.parametrize("rule", ["pc", "bp", "gauss_seidel", "epc", "fpa", "ipc"])
@pytest.mark.parametrize("form", FORMS)
def test_a_chain_as_a_graph_is_the_chain_in_every_form(form, rule, numbers):
    if (form, rule, numbers) == ("post", "epc", "stochastic"):
        pytest.skip(
            "The chain rounds its first prediction again in every step, other than a graph does."
        )
    network, formats = NUMBERS[numbers]
    network = replace(network, **FORMS[form])
    assert_learns_as_the_chain(
        network, formats, plain_rule(rule, network.layers), OptimiserSettings(kind="sgd", rate=0.1)
    )


@pytest.mark.parametrize("master", [None, "fp32"])
@pytest.mark.parametrize("noise", [NOISE, NOISELESS], ids=["noise", "converters"])
@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_a_chain_as_a_graph_is_the_chain_on_crossbars(rule, noise, master):
    formats = numerics("bf16", accumulate="fp64", optimiser="bf16", master=master, **noise)
    rule = plain_rule(rule, DOUBLE.layers)
    assert_learns_as_the_chain(DOUBLE, formats, rule, OptimiserSettings(kind="adam", rate=0.01))


# --- A convolutional network, against a plain version ---

CONV_NUMBERS = {
    "bf16": numerics("bf16", accumulate="bf16", optimiser="bf16"),
    "bf16, sums of fp16, master": numerics("bf16", error="fp8_e5m2", accumulate="fp16", master="fp32"),
    "fixed point": numerics("q2.10", "q6.10", "q4.12", "q12.12", "q2.20", master="q2.20"),
    "integers": numerics("int8_pow2", accumulate="int32", master="bf16"),
    "blocks": numerics("bfp8/4", "bfp6/5", "bfp5/8", "q8.16"),
    "crossbars": numerics("bf16", accumulate="fp64", **NOISE),
    "crossbars, master": numerics("bf16", accumulate="fp64", master="fp32", **NOISE),
}  # fmt: skip


def conv_data(number, dtype):
    random = np.random.default_rng(4)
    x = random.standard_normal((8, *SHAPE)).astype(dtype)
    y = np.eye(3, dtype=dtype)[random.integers(0, 3, 8)]
    return quantised(x.reshape(8, -1), number).reshape(x.shape), quantised(y, number)


def conv_learner(numbers, rule, *, graph=GRAPH, seed=SEED, batch=4, optimiser=("sgd", 0.5)):
    dtype = numbers.formats.carrier_for(48)
    x, y = conv_data(replace(numbers.formats.state, rounding="nearest"), dtype)
    weights = graphs.initial_weights(graph, SEED, dtype)
    learner = GraphLearner(
        GraphNetwork(graph, "mse", dtype),
        weights,
        rule,
        TrainingSetup(
            x=x.reshape(8, -1),
            y=y,
            batch=batch,
            optimiser=OptimiserSettings(kind=optimiser[0], rate=optimiser[1]),
            updates_total=4,
            seed=seed,
            numerics=numbers,
        ),
    )
    return learner, weights, x, y


@pytest.mark.parametrize("rule", ["pc", "bp"])
@pytest.mark.parametrize("numbers", CONV_NUMBERS)
def test_a_convolutional_network_is_bit_for_bit_the_plain_version(numbers, rule):
    numbers = CONV_NUMBERS[numbers]
    learner, weights, x, y = conv_learner(numbers, plain_rule(rule, 4))
    chip = ConvChip(numbers, weights, 0.5, seed=SEED)
    order = np.arange(8).reshape(2, 4)
    made, _ = learner.updates(order, done=0)
    assert made == 2
    for rows in order:
        if rule == "bp":
            chip.backpropagate(x[rows], y[rows])
        else:
            chip.infer(x[rows], y[rows], 3, 0.25)
        chip.learn()
    for key, array in learner.weights().items():
        np.testing.assert_array_equal(array, chip.held[key], err_msg=key)
        assert not np.array_equal(array, weights[key])
    np.testing.assert_array_equal(learner.outputs(x[:4].reshape(4, -1)), chip.outputs(x[:4]).T)


# --- Any graph ---

TRANSFORMER = graph_of(
    (2, 3),
    [
        {"name": "z1", "branches": [
            {"from": "x", "map": ["position", "layer_norm", ["attention", {"heads": 3}], "silu"]},
            {"from": "x", "map": []},
        ]},
        {"name": "z2", "branches": [
            {"from": "z1", "map": [
                "rms_norm", ["dense", {"units": 5}], "gelu", ["dense", {"units": 3}], ["scale", {"by": 0.7}],
            ]},
            {"from": "z1", "map": ["sigmoid"]},
        ], "then": ["tanh"]},
        {"name": "y", "branches": [{"from": "z2", "map": ["mean_tokens", ["dense", {"units": 3}]]}]},
    ],
)  # fmt: skip


def relaxed(numbers, graph, how, dtype="float32", seed=SEED):
    random = np.random.default_rng(2)
    x = random.standard_normal((5, *graph.input)).astype(dtype)
    y = random.standard_normal((5, *graph.output.shape)).astype(dtype)
    if numbers is not None:
        x, y = (quantised(v.reshape(5, -1), numbers.formats.state).reshape(v.shape) for v in (x, y))
    network, weights = GraphNetwork(graph, "mse", dtype), graphs.initial_weights(graph, 1, dtype)
    if how is None:
        return graphs.backpropagate(network, weights, x, y, numerics=numbers, seed=seed)
    return graphs.infer(network, weights, x, y, relaxation=how, numerics=numbers, seed=seed)


WAYS = {
    "jacobi": Relaxation(3, 0.2),
    "red-black": Relaxation(3, 0.2, order="red_black"),
    "momentum": Relaxation(3, 0.2, descent="momentum", momentum=0.5),
    "adam": Relaxation(3, 0.02, descent="adam"),
    "fpa": Relaxation(3, 0.2, variant="fpa"),
    "epc": Relaxation(3, 0.2, variant="epc"),
    "ipc": Relaxation(3, 0.2, variant="ipc"),
    "bp": None,
}


@settings(max_examples=25, deadline=None)
@given(random_graphs(), st.sampled_from(sorted(WAYS)), st.booleans())
def test_every_value_of_any_graph_is_one_of_its_format(graph, way, stochastic):
    also = " stochastic" if stochastic else ""
    numbers = numerics(f"bf16{also}", f"q6.10{also}", f"fp8_e5m2{also}", f"fp16{also}")
    found = relaxed(numbers, graph, WAYS[way])
    for values, number in (
        *((z, "q6.10") for z in found.states),
        *((e, "fp8_e5m2") for e in found.errors),
    ):
        np.testing.assert_array_equal(quantised(values, parse_format(number)), values)


@pytest.mark.parametrize("way", WAYS)
def test_formats_of_the_carrier_are_no_formats(way):
    """To the rounding of sums, whose order BLAS chooses by how the matrices lie."""
    for word, dtype, digits in (("fp32", "float32", 2e-6), ("fp64", "float64", 1e-14)):
        numbers = numerics(word, accumulate=word, optimiser=word, master=word)
        for graph in (TRANSFORMER, GRAPH):
            ours, theirs = (relaxed(each, graph, WAYS[way], dtype) for each in (numbers, None))
            for a, b in zip(
                [*ours.states, *ours.errors, *ours.gradients.values()],
                [*theirs.states, *theirs.errors, *theirs.gradients.values()],
                strict=True,
            ):
                atol = 10 * digits * max(np.abs(b).max(), 1.0)
                np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize("way", ["jacobi", "bp"])
def test_narrow_numbers_are_near_wide_ones_and_nearer_the_more_digits_they_have(way):
    exact = relaxed(None, TRANSFORMER, WAYS[way], "float64")
    size = np.sqrt(sum((g**2).sum() for g in exact.gradients.values()))
    for word, unit in (("bf16", 2.0**-8), ("fp16", 2.0**-11), ("fp32", 2.0**-24)):
        numbers = numerics(word, accumulate=word, optimiser=word)
        found = relaxed(numbers, TRANSFORMER, WAYS[way], "float64")
        parts = zip(found.gradients.values(), exact.gradients.values(), strict=True)
        gap = np.sqrt(sum(((a - b) ** 2).sum() for a, b in parts)) / size
        assert unit / 30 < gap < 30 * unit


def test_random_rounding_depends_on_the_seed_alone():
    numbers = numerics("bf16 stochastic", accumulate="fp16 stochastic")
    runs = [relaxed(numbers, TRANSFORMER, WAYS["jacobi"], seed=seed) for seed in (0, 0, 1)]
    for a, b in zip(runs[0].gradients.values(), runs[1].gradients.values(), strict=True):
        np.testing.assert_array_equal(a, b)
    pairs = zip(runs[0].states, runs[2].states, strict=True)
    assert not all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("noise", [{}, NOISE], ids=["digital", "crossbars"])
@pytest.mark.parametrize("master", [None, "fp32"])
@pytest.mark.parametrize("graph", [GRAPH, TRANSFORMER], ids=["conv", "transformer"])
def test_going_on_from_what_was_kept_equals_never_stopping(graph, master, noise):
    numbers = numerics("bf16 stochastic", optimiser="bf16 stochastic", master=master, **noise)
    random = np.random.default_rng(3)
    x = random.standard_normal((8, int(np.prod(graph.input)))).astype(np.float32)
    x, y = quantised(x, parse_format("bf16")), np.eye(3, dtype=np.float32)[np.arange(8) % 3]
    whole, first, second = (
        GraphLearner(
            GraphNetwork(graph, "mse", "float32"),
            graphs.initial_weights(graph, SEED, "float32"),
            plain_rule("pc", 3),
            TrainingSetup(
                x=x,
                y=y,
                batch=4,
                optimiser=OptimiserSettings(kind="adam", rate=0.01),
                updates_total=4,
                seed=SEED,
                numerics=numbers,
            ),
        )
        for _ in range(3)
    )
    order = np.arange(16).reshape(4, 4) % 8
    whole.updates(order, done=0)
    first.updates(order[:2], done=0)
    second.restore(first.parameters, done=2)
    np.testing.assert_array_equal(second.outputs(x), first.outputs(x))
    second.updates(order[2:], done=2)
    for key, array in whole.weights().items():
        np.testing.assert_array_equal(second.weights()[key], array, err_msg=key)


def test_exact_sums_have_room_for_a_window_and_for_all_places_of_a_batch():
    conv, attention = Conv2d(filters=16, kernel=5), Attention(heads=2)
    assert conv.longest_sum((8, 12, 12)) == 16 * 25 and conv.repeats((8, 12, 12)) == 8 * 8
    assert attention.longest_sum((7, 4)) == 12 and attention.repeats((7, 4)) == 7
