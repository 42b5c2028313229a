"""The largest inference rate on graphs: against the chains' bound, whole Hessians, and what diverges."""

import numpy as np
import pytest
from hypothesis import given, settings

import pcsim.engine.network as chains
from pcsim.engine.graph import GraphNetwork, infer, initial_weights
from pcsim.engine.graph.stability import _Linearised, rate_limit
from pcsim.engine.network import DenseNetwork
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.stability import rate_limit as rate_limit_of_chain
from pcsim.network import graph_of
from tests.helpers.graphs import chain_as_graph, random_graphs, weights_of

WAYS = {
    "jacobi": {},
    "momentum": {"descent": "momentum", "momentum": 0.5},
    "gauss-seidel": {"order": "gauss_seidel"},
    "red-black": {"order": "red_black"},
    "rolling red-black": {"order": "red_black", "descent": "momentum"},
    "adam": {"descent": "adam"},
    "epc": {"variant": "epc"},
    "ipc": {"variant": "ipc"},
    "fpa": {"variant": "fpa"},
    "z_il": {"variant": "z_il"},
}
CHAINS = (
    DenseNetwork((7, 9, 6, 6, 4), "tanh", "mse", bias=True),
    DenseNetwork((7, 9, 9, 4), "gelu", "cross_entropy", placement="post"),
    DenseNetwork((7, 6, 6, 6, 4), "tanh", "mse", skips=True, parameterisation="mupc"),
    DenseNetwork((5, 3), "tanh", "mse"),
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("network", CHAINS)
def test_a_chain_as_a_graph_has_the_chains_limit(network, way):
    weights = chains.initial_weights(network, 2)
    x = np.random.default_rng(0).standard_normal((6, network.widths[0]))
    how = Relaxation(steps=3, rate=0.1, **WAYS[way])
    theirs = rate_limit_of_chain(network, weights, x, relaxation=how)
    graph = chain_as_graph(network)
    ours = rate_limit(
        GraphNetwork(graph, network.loss),
        weights_of(graph, weights, network),
        x,
        relaxation=how,
        block=4,
    )
    assert (ours is None) == (theirs is None)
    if ours is not None:
        assert ours == pytest.approx(theirs, rel=1e-4)


@settings(max_examples=25, deadline=None)
@given(random_graphs(most=5))
def test_the_limit_is_that_of_the_whole_hessian(graph):
    network, samples = GraphNetwork(graph, "cross_entropy"), 2
    weights = initial_weights(graph, 0, "float64")
    x = np.random.default_rng(0).standard_normal((samples, *graph.input))
    ours = rate_limit(network, weights, x, relaxation=Relaxation(1, 0.1), block=samples)
    if not graph.hidden:
        assert ours is None
        return
    linear = _Linearised(network, weights, samples)
    linear.start(x)
    columns = np.eye(sum(node.size for node in graph.hidden))
    hessian = np.stack([linear.hessian(np.stack([c] * samples)) for c in columns], axis=-1)
    for sample in hessian:
        np.testing.assert_allclose(sample, sample.T, atol=1e-3 * np.abs(sample).max())
    largest = max(np.linalg.eigvalsh((h + h.T) / 2)[-1] for h in hessian)
    assert ours == pytest.approx(2 / largest, rel=2e-3)


def test_below_the_limit_a_linear_graph_settles_and_above_it_does_not():
    nodes = [
        {"name": "z1", "branches": [{"from": "x", "map": [["conv2d", {"filters": 3, "kernel": 3}]]}]},
        {"name": "z2", "branches": [
            {"from": "z1", "map": [["conv2d", {"filters": 3, "kernel": 3, "padding": 1}]]},
            {"from": "z1", "map": []},
        ]},
        {"name": "y", "branches": [{"from": "z2", "map": ["flatten", ["dense", {"units": 3}]]}]},
    ]  # fmt: skip
    graph = graph_of([2, 6, 6], nodes)
    network, weights = GraphNetwork(graph, "mse"), initial_weights(graph, 1, "float64")
    random = np.random.default_rng(0)
    x, y = random.standard_normal((2, 2, 6, 6)), random.standard_normal((2, 3))
    for way in ({}, {"descent": "momentum", "momentum": 0.5}, {"variant": "epc"}):
        limit = rate_limit(network, weights, x, relaxation=Relaxation(1, 0.1, **way), block=2)
        for share, settles in ((0.97, True), (1.03, False)):
            how = Relaxation(steps=1000, rate=share * limit, **way)
            with np.errstate(all="ignore"):
                energy = infer(network, weights, x, y, relaxation=how).energies.sum(axis=1)
            assert (energy[-1] < energy[0]) == settles
