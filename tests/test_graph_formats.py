"""Graphs in the numbers of a chip: a chain as a graph against the chain, bit for bit; other graphs by plain ones."""

from dataclasses import replace

import numpy as np
import pytest
from graphs import chain_as_graph, weights_of
from test_engine_formats import (
    BATCH,
    FORMS,
    NUMBERS,
    RULES,
    SAMPLES,
    SEED,
    data_for,
    plain_rule,
)

from pcsim.engine.graph import GraphNetwork
from pcsim.engine.graph.learner import GraphLearner
from pcsim.engine.network import batch_rows, initial_weights
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
