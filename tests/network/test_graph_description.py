"""Networks as nodes and blocks: shapes, what is said of mistakes, and how far errors reach."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import load_workload
from pcsim.errors import InputError
from pcsim.network import DescriptionError, credited, described, fronts, graph_of
from pcsim.network.operators import OPERATORS
from pcsim.theory.credit import credited as of_a_chain

BESIDE = Path(__file__).parents[3] / "shared" / "golden" / "graph"
beside = pytest.mark.skipif(
    not BESIDE.is_dir(), reason="the golden networks are not beside the checkout"
)
GOLDEN = sorted(path.stem for path in BESIDE.glob("*.npz"))

CONV = {"conv": {"filters": 6, "kernel": 3, "padding": 1}}
BLOCK = [
    {"residual": ["layer_norm", {"attention": {"heads": 3}}]},
    {"residual": ["layer_norm", {"dense": 24}, "gelu", {"dense": 12}]},
]
AS_BLOCKS = {
    "g01_conv_post_avg_mse": (
        "tanh",
        "post",
        [
            CONV,
            {"pool": {"kind": "avg", "kernel": 2}},
            {"conv": {"filters": 8, "kernel": 3, "padding": 1}},
            {"pool": {"kind": "avg", "kernel": 2}},
            {"conv": {"filters": 10, "kernel": 3}},
            "flatten",
            {"dense": 10},
        ],
    ),
    "g02_conv_post_max_ce": (
        "gelu",
        "post",
        [
            CONV,
            {"pool": {"kind": "max", "kernel": 2}},
            {"conv": {"filters": 8, "kernel": 3, "padding": 1}},
            {"max_pool": 2},
            {"conv": {"filters": 10, "kernel": 3}},
            "flatten",
            {"dense": {"units": 10}},
        ],
    ),
    "g03_conv_pre_stride": (
        "tanh",
        "pre",
        [
            {"conv": {"filters": 5, "kernel": 3, "padding": 1}},
            {"conv": {"filters": 7, "kernel": 3, "stride": 2, "padding": 1}},
            {"conv": {"filters": 4, "kernel": 1}},
            "flatten",
            {"dense": 6},
        ],
    ),
    "g04_resnet_groups": (
        "tanh",
        "pre",
        [
            {"conv": {"filters": 6, "kernel": 3, "padding": 1, "bias": False}},
            {"residual": ["tanh", CONV]},
            {"residual": {"map": ["tanh", CONV], "skip": [{"scale": 0.5}]}},
            {
                "residual": {
                    "map": [
                        "tanh",
                        {"conv": {"filters": 9, "kernel": 3, "stride": 2, "padding": 1}},
                    ],
                    "skip": [{"conv": {"filters": 9, "kernel": 1, "stride": 2, "bias": False}}],
                    "then": ["tanh"],
                }
            },
            {
                "residual": [
                    {"conv": {"filters": 9, "kernel": 3, "padding": 1, "groups": 3}},
                    "tanh",
                    {"conv": {"filters": 9, "kernel": 1}},
                ]
            },
            "global_avg_pool",
            {"dense": 10},
        ],
    ),
    "g06_mlp_block_norm": (
        "silu",
        "post",
        [
            {"dense": 10},
            {"residual": ["layer_norm", {"dense": 20}, "gelu", {"dense": 10}]},
            "layer_norm",
            {"dense": 4},
        ],
    ),
    "g07_vit_two_blocks": (
        "linear",
        "post",
        [
            {"node": [{"conv": {"filters": 12, "kernel": 4, "stride": 4}}, "tokens", "position"]},
            {"repeat": {"times": 2, "blocks": BLOCK}},
            "layer_norm",
            "mean_tokens",
            {"dense": 10},
        ],
    ),
}
"""Golden networks that go one way up: activation, placement and blocks."""


def golden(name):
    return np.load(BESIDE / f"{name}.npz")


def network_of(name):
    return json.loads(str(golden(name)["meta"]))["network"]


def operators_of(graph):
    return [
        (
            node.shape,
            [(branch.source, [term.operator for term in branch.terms]) for branch in node.branches],
            [term.operator for term in node.then],
        )
        for node in graph.nodes
    ]


@beside
@pytest.mark.parametrize("name", GOLDEN)
def test_shapes_and_parameters_are_those_of_the_golden_networks(name):
    file, network = golden(name), network_of(name)
    graph = graph_of(network["input"], network["nodes"])
    assert {node.name: list(node.shape) for node in graph.nodes} | {
        "x": list(graph.input)
    } == network["shapes"]
    assert graph.parameters == {
        key.removeprefix("w."): file[key].shape for key in file.files if key.startswith("w.")
    }


@beside
@pytest.mark.parametrize("name", AS_BLOCKS)
def test_blocks_are_the_nodes_that_golden_networks_describe(name):
    activation, placement, blocks = AS_BLOCKS[name]
    network = network_of(name)
    found = described(blocks, activation=activation, placement=placement)
    assert not found.mistakes
    as_blocks = graph_of(network["input"], found.nodes)
    assert operators_of(as_blocks) == operators_of(graph_of(network["input"], network["nodes"]))


# --- What is said of mistakes ---

WORK = """\
schema: pcsim/workload/1
name: mine
network:
{network}
data: {{dataset: digits, train: 1200, validation: 297, test: 300, normalise: true}}
training: {{batch: 32, epochs: 1, loss: mse, seeds: 1, target_accuracy: 0.9}}
pc: {{steps: 3, rate: 0.1, order: jacobi, optimiser: {{kind: adam, rate: 1e-3}}}}
bp: {{schedule: sequential, optimiser: {{kind: adam, rate: 1e-3}}}}
"""

NODES = """\
  input: [1, 8, 8]
  nodes:
    - name: z1
      branches:
        - from: x
          map: [[conv2d, {filters: 4, kernel: 3, padding: 1}], tanh]
    - name: z2
      branches:
        - from: z1
          map: [[conv2d, {filters: 4, kernel: 3, padding: 1}]]
        - from: z1
    - name: y
      branches:
        - from: z2
          map: [tanh, flatten, [dense, {units: 10}]]
"""


def said_of(tmp_path, network):
    path = tmp_path / "work.yaml"
    path.write_text(WORK.format(network=network))
    with pytest.raises(InputError) as caught:
        load_workload(path)
    return [
        re.sub(r"^.*work\.yaml:", "", line)
        for line in str(caught.value).splitlines()
        if "work.yaml:" in line
    ]


def test_a_network_of_nodes_is_read_from_a_file(tmp_path):
    path = tmp_path / "work.yaml"
    path.write_text(WORK.format(network=NODES))
    network = load_workload(path).network
    assert [node.shape for node in network.graph.nodes] == [(4, 8, 8), (4, 8, 8), (10,)]
    # 4 x 9 + 4, 4 x 36 + 4, 256 x 10 + 10.
    assert network.graph.parameter_count == 40 + 148 + 2570
    # 64 places x 4 x 9, then x 4 x 36, then 256 x 10.
    assert network.graph.macs == 64 * 36 + 64 * 144 + 2560
    assert not network.is_chain and network.depth == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("- from: z1\n    - name: y", "- from: x\n    - name: y"),
            "14:11: network.nodes[1].branches[1] must give 4 x 8 x 8, as branches[0] of z2 does, to which it is "
            "added, and from x it gives 1 x 8 x 8",
        ),
        (
            ("kernel: 3, padding: 1}], tanh]", "kernel: 9}], tanh]"),
            "9:17: network.nodes[0].branches[0].map[0] does not fit: conv2d with a window of 9 x 9 needs an image at "
            "least as large, and is given 8 x 8",
        ),
        (
            ("[tanh, flatten, [dense", "[tanh, tokens, [attention, {heads: 3}], mean_tokens, [dense"),
            "18:31: network.nodes[2].branches[0].map[2] does not fit: attention of 3 heads needs features that 3 "
            "divides, and is given 4",
        ),
        (
            ("filters: 4, kernel: 3, padding: 1}]]", "filters: 4, kernal: 3, padding: 1}]]"),
            "13:39: network.nodes[1].branches[0].map[0][1].kernal must be an attribute of conv2d (filters, kernel, "
            "stride, padding, groups, bias), not 'kernal'",
        ),
        (
            ("- from: z2", "- from: z3"),
            "17:17: network.nodes[2].branches[0].from must be x or the name of an earlier node, one of x, z1, z2, "
            "not 'z3'",
        ),
        (
            ("units: 10}", "units: 9}"),
            "6:5: network.nodes must end in 10 values, the classes of digits, not 9",
        ),
        (
            ("input: [1, 8, 8]", "input: [1, 9, 9]"),
            "4:10: network.input must be a shape of 64 values, the width of digits, not [1, 9, 9]",
        ),
        (
            ("[tanh, flatten", "[tanhh, flatten"),
            "18:17: network.nodes[2].branches[0].map[0] must be one of " + ", ".join(OPERATORS),
        ),
        (
            ("  input:", "  layers: [64, 10]\n  activation: tanh\n  input:"),
            "8:5: network.nodes must not be given where network.layers is",
        ),
        (
            ("  input:", "  skips: true\n  input:"),
            "4:10: network.skips must be false where network.nodes says that of each operator, not true",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place_with_what_would_be_right(tmp_path, change, said):
    before, after = change
    assert before in NODES
    told = said_of(tmp_path, NODES.replace(before, after))
    assert any(line.startswith(said) for line in told), told


def test_mistakes_in_blocks_are_told_where_the_blocks_stand(tmp_path):
    network = """\
  input: [1, 8, 8]
  activation: tanh
  blocks:
    - conv: {filters: 4, kernel: 3}
    - repeat: {times: 2, blocks: [{residual: [{conv: {filters: 4, kernel: 3}}]}]}
    - pool: {kind: mean, kernel: 2}
    - dense: 10
"""
    assert said_of(tmp_path, network) == [
        "9:7: network.blocks[2].pool must be {kind: max or avg, kernel: N}, not {'kind': 'mean', 'kernel': 2}"
    ]
    assert said_of(tmp_path, network.replace("mean", "max")) == [
        "8:46: network.blocks[1].repeat.blocks[0].residual must give 4 x 4 x 4, as branches[0] of z2 does, to which "
        "it is added, and from z1 it gives 4 x 6 x 6"
    ]


def test_all_mistakes_are_told_at_once():
    with pytest.raises(DescriptionError) as caught:
        graph_of(
            [3, 4],
            [
                {"name": "a", "branches": [{"from": "x", "map": [["dens", {}], ["conv2d", {}]]}]},
                {"name": "a", "branches": [{"from": "b"}], "them": []},
            ],
        )
    said = str(caught.value)
    for part in ("'dens'", "must have filters", "must have kernel", "earlier node", "'them'"):
        assert part in said, said


def test_shared_weights_are_counted_once_and_must_fit():
    nodes = [
        {"name": "h1", "branches": [{"from": "x", "map": [["dense", {"units": 8}]]}]},
        {"name": "h2", "branches": [{"from": "h1", "map": ["tanh", ["dense", {"units": 8}]]}]},
        {
            "name": "h3",
            "branches": [
                {"from": "h2", "map": ["tanh", ["dense", {"units": 8, "weights": "h2.0.1"}]]}
            ],
        },
    ]
    graph = graph_of([4], nodes)
    assert graph.parameter_count == 40 + 72
    nodes[2]["branches"][0]["map"][1][1]["units"] = 9
    with pytest.raises(DescriptionError, match=r"weights of h2\.0\.1 must have the shapes"):
        graph_of([4], nodes)


# --- How far errors reach ---


@st.composite
def graphs(draw):
    """Random graphs of dense nodes with several branches each."""
    count = draw(st.integers(1, 7))
    names = ["x", *(f"n{i}" for i in range(1, count + 1))]
    nodes = []
    for index in range(1, count + 1):
        sources = {index - 1} | draw(st.sets(st.integers(0, index - 1), max_size=2))
        branches = [
            {"from": names[s], "map": ["tanh", ["dense", {"units": 3}]]} for s in sorted(sources)
        ]
        nodes.append({"name": names[index], "branches": branches})
    return graph_of([3], nodes)


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_jacobi_credit_is_where_the_front_has_come_to(graph):
    front = fronts(graph)
    for steps in range(front.last + 2):
        assert credited(graph, "pc", "jacobi", steps) == front.credited(steps)


def test_on_chains_credit_is_the_closed_form():
    for layers in range(1, 9):
        nodes = [
            {
                "name": f"n{i}",
                "branches": [
                    {"from": f"n{i - 1}" if i > 1 else "x", "map": [["dense", {"units": 2}]]}
                ],
            }
            for i in range(1, layers + 1)
        ]
        graph = graph_of([2], nodes)
        ways = [("pc", order) for order in ("jacobi", "gauss_seidel", "red_black")]
        ways += [(variant, "jacobi") for variant in ("ipc", "fpa", "epc", "z_il")]
        for (variant, order), steps in itertools.product(ways, range(12)):
            found = credited(graph, variant, order, steps)
            assert len(found) == of_a_chain(layers, variant, order, steps), (
                layers,
                variant,
                order,
                steps,
            )
            assert found == tuple(range(layers - len(found) + 1, layers + 1))


BLOCKS = """\
  input: [1, 8, 8]
  activation: tanh
  placement: post
  blocks:
    - conv: {filters: 4, kernel: 3}
    - repeat: {times: 2, blocks: [{residual: [tanh]}]}
    - flatten
    - dense: 10
"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("filters", "filter", "8:14: network.blocks[0].conv.filter must be an attribute of conv2d (filters,"),
        ("kernel: 3", "kernel: 9", "8:7: network.blocks[0] does not fit: conv2d with a window of 9 x 9 needs"),
        ("kernel: 3", "kernel: x", "8:34: network.blocks[0].conv.kernel must be a whole number between 1 and 1024"),
        ("- conv", "- cnv", "8:7: network.blocks[0] must be one of conv, pool, residual, node, repeat, dense,"),
        ("times: 2", "time: 2", "9:7: network.blocks[1].repeat must have the keys times and blocks,"),
        ("times: 2", "times: 0", "9:23: network.blocks[1].repeat.times must be a whole number between 1 and"),
        ("    - flatten\n", "", "8:5: network.blocks must end in 10 values, the classes of digits, not 240"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_block_is_told_in_the_words_of_blocks(tmp_path, before, after, said):
    assert before in BLOCKS
    told = said_of(tmp_path, BLOCKS.replace(before, after, 1))
    assert any(line.startswith(said) for line in told), told
