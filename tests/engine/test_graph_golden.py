"""Networks that are graphs equal torch and jax in float64, step by step and parameter by parameter."""

import json
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from pcsim.engine.graph import GraphNetwork, backpropagate, infer
from pcsim.engine.relaxation import Relaxation
from pcsim.network import graph_of

BESIDE = Path(__file__).parents[3] / "shared" / "golden" / "graph"
NAMES = (
    "g01_conv_post_avg_mse",
    "g02_conv_post_max_ce",
    "g03_conv_pre_stride",
    "g04_resnet_groups",
    "g05_dense_long_skips",
    "g06_mlp_block_norm",
    "g07_vit_two_blocks",
    "g08_attention_causal",
)


def golden_name(name):
    missing = not (BESIDE / f"{name}.npz").exists()
    return pytest.param(
        name, marks=pytest.mark.skipif(missing, reason=f"{name}.npz does not lie beside")
    )


class Golden:
    """One golden network and its numbers; ``seen`` are the keys that a test has compared."""

    def __init__(self, name):
        with np.load(BESIDE / f"{name}.npz") as file:
            self.values = {key: file[key] for key in file.files}
        self.meta = json.loads(str(self.values.pop("meta")))
        described = self.meta["network"]
        self.graph = graph_of(described["input"], described["nodes"])
        self.network = GraphNetwork(self.graph, described["loss"], "float64")
        self.x, self.y = self.values.pop("x"), self.values.pop("y")
        self.weights = {key: self.values.pop(f"w.{key}") for key in self.graph.parameters}
        self.largest = max(
            np.abs(value).max() for key, value in self.values.items() if key[:2] in ("g.", "bp")
        )
        shapes = {node.name: list(node.shape) for node in self.graph.nodes}
        assert {"x": list(self.graph.input), **shapes} == described["shapes"]

    def take(self, key):
        return self.values.pop(key)

    def equal(self, key, ours):
        stored = self.take(key)
        atol = 1e-12 * np.abs(stored).max()
        np.testing.assert_allclose(ours, stored, rtol=1e-12, atol=atol, err_msg=key)

    def equal_gradients(self, form, gradients):
        """To 1e-12 of the largest gradient of the file."""
        for key, ours in gradients.items():
            stored = form.format(key)
            atol = 1e-12 * self.largest
            np.testing.assert_allclose(ours, self.take(stored), rtol=0, atol=atol, err_msg=stored)

    @cached_property
    def steps(self):
        return self.meta["T"]


@pytest.mark.parametrize("name", [golden_name(name) for name in NAMES])
def test_a_graph_equals_its_golden_numbers(name):
    golden = Golden(name)
    network, weights = golden.network, golden.weights
    for steps in golden.steps:
        how = Relaxation(steps=steps, rate=golden.meta["eta_per_sample"])
        result = infer(network, weights, golden.x, golden.y, relaxation=how)
        for node, state in zip(golden.graph.hidden, result.states, strict=False):
            golden.equal(f"z.{node.name}_T{steps}", state)
        golden.equal(f"E_T{steps}", result.energies[-1])
        golden.equal_gradients(f"g.{{}}_T{steps}", result.gradients)
    golden.equal("F_traj", result.energies.sum(axis=1)[: max(golden.steps) + 1])
    backward = backpropagate(network, weights, golden.x, golden.y)
    golden.equal("pred_ffwd", backward.states[-1])
    golden.equal("bp_loss", backward.energies[0, -1])
    golden.equal_gradients("bp.{}", backward.gradients)
    assert not golden.values  # Every key was compared.
