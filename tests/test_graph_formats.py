"""Graphs in the numbers of a chip: chains as graphs against chains, bit for bit; other graphs by plain versions."""

from dataclasses import replace

import numpy as np
import pytest
from graphs import chain_as_graph, weights_of
from reference_rounded_conv import GRAPH, SHAPE, ConvChip
from test_engine_formats import (
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

import pcsim.engine.graph as graphs
from pcsim.engine.graph import GraphNetwork
from pcsim.engine.graph.learner import GraphLearner
from pcsim.engine.network import batch_rows, initial_weights
from pcsim.engine.numerics.quantise import quantised
from pcsim.engine.optimiser import WeightOptimiser
from pcsim.engine.rules import Learner


def pair_of(network, numbers, rule, optimiser):
    """A chain's learner and that of the same graph."""
    state = numbers.formats.state
    x, y = data_for(network, replace(state, rounding="nearest"))
    weights, graph = initial_weights(network, SEED), chain_as_graph(network)
    settings = {
        "rule": rule,
        "x": x,
        "y": y,
        "batch": BATCH,
        "optimiser": optimiser,
        "updates_total": 9,
        "seed": SEED,
        "numerics": numbers,
    }
    theirs = Learner(network, weights, **settings)
    of_graph = GraphNetwork(graph, network.loss, network.dtype)
    return GraphLearner(of_graph, weights_of(graph, weights, network), **settings), theirs


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
    assert_learns_as_the_chain(network, formats, rule, WeightOptimiser("adam", 0.01))


@pytest.mark.parametrize("numbers", ["bf16", "stochastic", "integers"])
@pytest.mark.parametrize("rule", RULES[2:])
def test_a_chain_as_a_graph_is_the_chain_by_every_rule(rule, numbers):
    network, formats = NUMBERS[numbers]
    rule = plain_rule(rule, network.layers)
    assert_learns_as_the_chain(network, formats, rule, WeightOptimiser("sgd", 0.1))


@pytest.mark.parametrize("kind", ["momentum", "adamw"])
def test_a_chain_as_a_graph_is_the_chain_by_every_optimiser(kind):
    network, formats = NUMBERS["mixed"]
    rule = plain_rule("pc", network.layers)
    assert_learns_as_the_chain(network, formats, rule, WeightOptimiser(kind, 0.02))


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
        network, formats, plain_rule(rule, network.layers), WeightOptimiser("sgd", 0.1)
    )


@pytest.mark.parametrize("master", [None, "fp32"])
@pytest.mark.parametrize("noise", [NOISE, NOISELESS], ids=["noise", "converters"])
@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_a_chain_as_a_graph_is_the_chain_on_crossbars(rule, noise, master):
    formats = numerics("bf16", accumulate="fp64", optimiser="bf16", master=master, **noise)
    rule = plain_rule(rule, DOUBLE.layers)
    assert_learns_as_the_chain(DOUBLE, formats, rule, WeightOptimiser("adam", 0.01))


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
        rule=rule,
        x=x.reshape(8, -1),
        y=y,
        batch=batch,
        optimiser=WeightOptimiser(*optimiser),
        updates_total=4,
        seed=seed,
        numerics=numbers,
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
    np.testing.assert_array_equal(
        learner.outputs(x[:4].reshape(4, -1)), chip.feed_forward(x[:4])[2].T
    )
