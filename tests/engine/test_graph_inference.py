"""Inference on graphs: against the chains' kernels, finite differences, backpropagation, and the fronts."""

import operator
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pcsim.engine as chains
from pcsim.engine.graph import GraphNetwork, backpropagate, infer, initial_weights
from pcsim.engine.graph.order import levels
from pcsim.engine.network import DenseNetwork
from pcsim.engine.relaxation import Relaxation
from pcsim.network import credited, fronts, graph_of
from tests.helpers.graphs import chain_as_graph, random_graphs, weights_of

WIDTHS = (7, 6, 6, 5, 5, 4)
CHAINS = {
    "pre": DenseNetwork(WIDTHS, "tanh", "mse"),
    "pre, cross-entropy": DenseNetwork(WIDTHS, "leaky_relu", "cross_entropy", bias=True),
    "post": DenseNetwork(WIDTHS, "tanh", "mse", placement="post", bias=True),
    "post, gelu": DenseNetwork(WIDTHS, "gelu", "cross_entropy", placement="post", bias=True),
    "skips, mupc": DenseNetwork(
        WIDTHS, "relu", "mse", skips=True, parameterisation="mupc", bias=True
    ),
    "linear": DenseNetwork((5, 4, 3), "linear", "mse"),
    "one layer": DenseNetwork((5, 3), "tanh", "mse", bias=True),
}
WAYS = {
    "jacobi": {},
    "no wavefront": {"wavefront": False},
    "gauss-seidel": {"order": "gauss_seidel"},
    "red-black": {"order": "red_black"},
    "red-black, no wavefront": {"order": "red_black", "wavefront": False},
    "momentum": {"descent": "momentum", "momentum": 0.6},
    "adam": {"descent": "adam", "rate": 0.02},
    "adam, gauss-seidel": {"descent": "adam", "rate": 0.02, "order": "gauss_seidel"},
    "tolerance": {"tolerance": 0.05, "steps": 40},
    "z_il": {"variant": "z_il", "rate": 1.0},
    "fpa": {"variant": "fpa"},
    "epc": {"variant": "epc"},
    "ipc": {"variant": "ipc"},
}


def batch_for(input_shape, output_shape, *, samples=9, seed=5):
    random = np.random.default_rng(seed)
    x = random.standard_normal((samples, *input_shape))
    return x, np.eye(int(np.prod(output_shape)))[
        random.integers(0, int(np.prod(output_shape)), samples)
    ].reshape(samples, *output_shape)


def close(ours, theirs, digits=1e-12, what=""):
    """Of everything together: to so many digits of the largest."""
    largest = max([np.abs(array).max() for array in theirs if array.size] + [1e-300])
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=digits * largest, err_msg=what)


@pytest.mark.parametrize(
    "way, kind", [each for each in product(WAYS, CHAINS) if each != ("z_il", "one layer")]
)
def test_a_chain_as_a_graph_is_the_chain(way, kind):
    network = CHAINS[kind]
    graph = chain_as_graph(network)
    weights = chains.initial_weights(network, 1)
    x, y = batch_for(network.widths[:1], network.widths[-1:])
    how = Relaxation(**{"steps": 7, "rate": 0.2, **WAYS[way]})
    for beta in (None,) if how.variant == "ipc" else (None, 0.5):
        theirs = chains.infer(network, weights, x, y, relaxation=how, beta=beta)
        ours = infer(
            GraphNetwork(graph, network.loss),
            weights_of(graph, weights, network),
            x,
            y,
            relaxation=how,
            beta=beta,
        )
        assert ours.steps == len(theirs.energies) - 1
        close(ours.states, theirs.states, what="states")
        close(ours.errors, theirs.errors, what="errors")
        close([ours.energies], [theirs.energies], what="energies")
        wanted = weights_of(graph, theirs.gradients, network)
        close([ours.gradients[key] for key in wanted], wanted.values(), what="gradients")
        np.testing.assert_array_equal(ours.active_states, theirs.active_states)
        np.testing.assert_array_equal(ours.active_errors, theirs.active_errors)


@pytest.mark.parametrize("kind", CHAINS)
def test_backpropagation_through_a_chain_as_a_graph_is_that_through_the_chain(kind):
    network = CHAINS[kind]
    graph = chain_as_graph(network)
    weights = chains.initial_weights(network, 1)
    x, y = batch_for(network.widths[:1], network.widths[-1:])
    theirs = chains.backpropagate(network, weights, x, y)
    ours = backpropagate(
        GraphNetwork(graph, network.loss), weights_of(graph, weights, network), x, y
    )
    close([ours.energies], [theirs.energies])
    wanted = weights_of(graph, theirs.gradients, network)
    close([ours.gradients[key] for key in wanted], wanted.values())
    if network.placement == "pre":
        close(ours.errors, theirs.errors)


def world_of(graph, *, seed=0, loss="mse"):
    x, y = batch_for(graph.input, graph.output.shape, samples=4, seed=seed)
    return GraphNetwork(graph, loss), initial_weights(graph, seed, "float64"), x, y


@settings(max_examples=60, deadline=None)
@given(random_graphs())
def test_states_first_move_and_errors_first_appear_when_the_fronts_say(graph):
    network, weights, x, y = world_of(graph)
    found = fronts(graph)
    # Sums without weights may cancel to the last bit, so that something stays that could have moved.
    sums = any(not branch.terms for node in graph.nodes for branch in node.branches)
    same = (lambda seen, said: seen is None or seen >= said) if sums else operator.eq
    steps = 9
    runs = [
        infer(network, weights, x, y, relaxation=Relaxation(t, 0.1, wavefront=False))
        for t in range(steps)
    ]
    for node in graph.nodes:
        i = node.number - 1
        wrong = [t for t in range(steps) if runs[t].errors[i].any()]
        assert same(min(wrong, default=None), found.first_error[node.number])
        moved = [t for t in range(1, steps) if (runs[t].states[i] != runs[t - 1].states[i]).any()]
        if node in graph.hidden:
            assert same(min(moved, default=None), found.first_move[node.number])


@settings(max_examples=60, deadline=None)
@given(
    random_graphs(),
    st.sampled_from(["jacobi", "gauss_seidel", "red_black"]),
    st.sampled_from(["gd", "momentum", "adam"]),
    st.integers(0, 5),
    st.sampled_from(["float32", "float64"]),
)
def test_what_the_wavefront_skips_changes_no_bit(graph, order, descent, steps, dtype):
    network, weights, x, y = world_of(graph)
    network = GraphNetwork(graph, "cross_entropy", dtype)
    how = {"steps": steps, "rate": 0.05, "order": order, "descent": descent}
    skipped, all_of_it = (
        infer(network, weights, x, y, relaxation=Relaxation(**how, wavefront=front))
        for front in (True, False)
    )
    for a, b in zip(
        [*skipped.states, *skipped.errors, skipped.energies, *skipped.gradients.values()],
        [*all_of_it.states, *all_of_it.errors, all_of_it.energies, *all_of_it.gradients.values()],
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=60, deadline=None)
@given(
    random_graphs(),
    st.sampled_from(["pc", "fpa", "epc"]),
    st.sampled_from(["jacobi", "gauss_seidel", "red_black"]),
    st.integers(0, 4),
)
def test_errors_are_where_credit_says(graph, variant, order, steps):
    network, weights, x, y = world_of(graph)
    order = order if variant == "pc" else "jacobi"
    how = Relaxation(steps, 0.1, variant=variant, order=order, wavefront=False)
    found = infer(network, weights, x, y, relaxation=how)
    wrong = tuple(n for n, e in enumerate(found.errors, 1) if e.any())
    assert wrong == credited(graph, variant, order, steps)


@settings(max_examples=40, deadline=None)
@given(random_graphs(), st.sampled_from(["mse", "cross_entropy"]))
def test_fixed_predictions_give_backpropagation_once_errors_have_come_all_the_way(graph, loss):
    network, weights, x, y = world_of(graph, loss=loss)
    backward = backpropagate(network, weights, x, y)
    steps = max(levels(graph).values())
    for variant in ("z_il", "fpa"):
        found = infer(network, weights, x, y, relaxation=Relaxation(steps, 1.0, variant=variant))
        close(found.errors, backward.errors, 1e-12, variant)
        close(list(found.gradients.values()), list(backward.gradients.values()), 1e-12, variant)


def energy_of(network, weights, x, y, z):
    """F of the states z, by another way: predictions from feed-forward passes that are cut at every node."""
    from pcsim.engine.graph.model import by_place
    from pcsim.engine.graph.prediction import NodePrediction

    graph = network.graph
    values = [x, *z, None]
    total = 0.0
    for node in graph.nodes:
        p = NodePrediction(node, by_place(weights), len(x), "float64").predict(values)
        if node is graph.output:
            total += 0.5 * np.sum((y - p) ** 2)
        else:
            total += 0.5 * np.sum((z[node.number - 1] - p) ** 2)
    return total


@settings(max_examples=15, deadline=None)
@given(random_graphs(most=4), st.integers(1, 3))
def test_a_step_goes_down_the_energys_slope_and_gradients_are_its_derivatives(graph, steps):
    network, weights, x, y = world_of(graph)
    rate = 0.1
    before, after = (
        infer(network, weights, x, y, relaxation=Relaxation(t, rate)) for t in (steps, steps + 1)
    )
    z = [state.copy() for state in before.states[:-1]]
    random = np.random.default_rng(1)
    step = 1e-5

    def slope_along(array, direction):
        array += step * direction
        above = energy_of(network, weights, x, y, z)
        array -= 2 * step * direction
        below = energy_of(network, weights, x, y, z)
        array += step * direction
        return (above - below) / (2 * step)

    np.testing.assert_allclose(
        energy_of(network, weights, x, y, z) / len(x), before.energies[-1].sum()
    )
    for state, later in zip(z, after.states[:-1], strict=True):
        direction = random.standard_normal(state.shape)
        moved = np.sum((later - state) * direction) / -rate
        np.testing.assert_allclose(moved, slope_along(state, direction), rtol=1e-5, atol=1e-6)
    for key, array in weights.items():
        direction = random.standard_normal(array.shape)
        ours = np.sum(before.gradients[key] * direction) * len(x)
        theirs = slope_along(array, direction)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=key)


RESIDUAL = [
    {"name": "z1", "branches": [{"from": "x", "map": [["conv2d", {"filters": 3, "kernel": 3, "padding": 1}]]}]},
    {
        "name": "z2",
        "branches": [
            {"from": "z1", "map": ["tanh", ["conv2d", {"filters": 3, "kernel": 3, "padding": 1}]]},
            {"from": "z1", "map": []},
        ],
    },
    {"name": "z3", "branches": [{"from": "z2", "map": ["tanh", ["avg_pool", {"kernel": 2}]]}]},
    {"name": "y", "branches": [{"from": "z3", "map": ["flatten", ["dense", {"units": 4}]]}]},
]  # fmt: skip


@pytest.mark.parametrize(
    "way",
    [
        {"order": "gauss_seidel", "rate": 0.3},
        {"order": "red_black", "rate": 0.3},
        {"descent": "momentum", "momentum": 0.5, "rate": 0.1},
        {"variant": "epc", "rate": 0.3},
    ],
)
def test_every_way_to_relax_ends_in_the_same_equilibrium(way):
    network, weights, x, y = world_of(graph_of([2, 4, 4], RESIDUAL))
    plain = infer(network, weights, x, y, relaxation=Relaxation(2000, 0.2))
    other = infer(network, weights, x, y, relaxation=Relaxation(steps=2000, **way))
    close(other.states, plain.states, 1e-9)
    close(other.errors, plain.errors, 1e-9)
    close(list(other.gradients.values()), list(plain.gradients.values()), 1e-9)


def test_shared_weights_have_the_sum_of_their_gradients():
    def nodes(shared):
        second = {"units": 4, "weights": "z1.0.0"} if shared else {"units": 4}
        return [
            {"name": "z1", "branches": [{"from": "x", "map": [["dense", {"units": 4}]]}]},
            {"name": "z2", "branches": [{"from": "z1", "map": ["tanh", ["dense", second]]}]},
            {"name": "y", "branches": [{"from": "z2", "map": [["dense", {"units": 3}]]}]},
        ]

    graph, apart = graph_of([4], nodes(True)), graph_of([4], nodes(False))
    network, weights, x, y = world_of(graph)
    copied = {
        **weights,
        **{f"z2.0.1.{name}": weights[f"z1.0.0.{name}"] for name in ("weight", "bias")},
    }
    for ours, theirs in (
        (
            infer(network, weights, x, y, relaxation=Relaxation(5, 0.1)),
            infer(GraphNetwork(apart, "mse"), copied, x, y, relaxation=Relaxation(5, 0.1)),
        ),
        (
            backpropagate(network, weights, x, y),
            backpropagate(GraphNetwork(apart, "mse"), copied, x, y),
        ),
    ):
        close(ours.states, theirs.states)
        for name in ("weight", "bias"):
            summed = theirs.gradients[f"z1.0.0.{name}"] + theirs.gradients[f"z2.0.1.{name}"]
            np.testing.assert_allclose(
                ours.gradients[f"z1.0.0.{name}"], summed, rtol=1e-12, atol=1e-15
            )
