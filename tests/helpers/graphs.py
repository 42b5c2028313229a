"""What tests of networks that are graphs share: graphs of random maps, chains as graphs, shared weights."""

from hypothesis import strategies as st

from pcsim.network import graph_of
from tests.helpers.graphs_at_random import dense, node

MAPS = (
    [],
    ["tanh"],
    [["scale", {"by": 0.7}]],
    [["dense", {"units": 3}]],
    ["tanh", ["dense", {"units": 3}]],
    [["dense", {"units": 4}], "gelu", ["dense", {"units": 3, "bias": False}]],
    ["layer_norm", ["attention", {"heads": 3}]],
    ["rms_norm", ["attention", {"heads": 1, "causal": True, "bias": False}], "silu"],
    ["position", "sigmoid"],
)
"""What may stand in a branch of a random graph, whose values all have shape (2, 3)."""


@st.composite
def random_graphs(draw, most=6):
    """A graph of up to ``most`` nodes of 2 tokens x 3 features, any of which may read any before it."""
    count = draw(st.integers(1, most))
    names = ["x", *(f"z{i}" for i in range(1, count)), "y"]
    reads = [sorted(draw(st.sets(st.integers(0, i), min_size=1, max_size=3))) for i in range(count)]
    for number in range(1, count):  # Every hidden node is read; where it is not, by the next one.
        if not any(number in each for each in reads[number:]):
            reads[number] = sorted({*reads[number], number})
    nodes = []
    for i, sources in enumerate(reads):
        branches = [{"from": names[s], "map": draw(st.sampled_from(MAPS))} for s in sources]
        if i and draw(st.booleans()):  # Twice from one node, by two ways.
            branches.append({"from": names[sources[0]], "map": draw(st.sampled_from(MAPS))})
        then = draw(st.sampled_from([[], ["tanh"], ["layer_norm"], [["dense", {"units": 3}]]]))
        nodes.append({"name": names[i + 1], "branches": branches, "then": then})
    return graph_of([2, 3], nodes)


def chain_as_graph(network):
    """The nodes that say what an engine's chain of dense layers says, its scales as operators."""
    phi = [] if network.activation == "linear" else [network.activation]
    nodes, below = [], "x"
    for layer in range(1, network.layers + 1):
        last, a = layer == network.layers, network.scales[layer - 1]
        steps = [["dense", {"units": network.widths[layer], "bias": network.bias}]]
        steps += [["scale", {"by": a}]] if a != 1 else []
        if network.placement == "pre" and layer > 1:
            steps = [*phi, *steps]
        if network.placement == "post" and not last:
            steps = [*steps, *phi]
        branches = [{"from": below, "map": steps}]
        if network.skipped[layer - 1]:
            branches.append({"from": below, "map": []})
        below = "y" if last else f"z{layer}"
        nodes.append({"name": below, "branches": branches})
    return graph_of(network.widths[:1], nodes)


def weights_of(graph, weights, network):
    """A chain's weights, then biases, by the keys of its graph."""
    found = {}
    for layer, each in enumerate(graph.nodes):
        (term,) = (term for term in each.terms if term.parameters)
        found[f"{term.at}.weight"] = weights[layer]
        if network.bias:
            found[f"{term.at}.bias"] = weights[network.layers + layer]
    return found


def recurrent(width, depth, *, shared):
    """tanh of W z + U x, unrolled."""
    nodes = [node("z1", ("x", [dense(width)]))]
    for at in range(2, depth + 1):
        maps = dense(width, False), dense(width)
        if shared and at > 2:
            maps = tuple(with_weights(each, f"z2.{b}.0") for b, each in enumerate(maps))
        nodes.append(node(f"z{at}", (f"z{at - 1}", [maps[0]]), ("x", [maps[1]]), then=["tanh"]))
    return graph_of([5], [*nodes, node("y", (f"z{depth}", [dense(3)]))])


def with_weights(term, place):
    """The term with the weights of the one at ``place``."""
    return [term[0], {**term[1], "weights": place}]
