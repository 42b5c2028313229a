"""The page about operators of one's own, done as it says, in processes of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operators.md").read_text()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    for name, language in (("square.py", "python"), ("squares.yaml", "yaml")):
        (block,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.S | re.M)
        (folder / name).write_text(block)
    return folder


def python(*words, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_network_with_the_operator_of_the_page_is_trained_timed_and_priced(here):
    short = ["--set", "training.epochs=3", "--set", "training.seeds=2", "--json"]
    words = [
        "-m",
        "pcsim",
        "run",
        "tile64",
        "squares.yaml",
        "--allow-extensions",
        *short,
        "-o",
        "r",
    ]
    done = python(*words, folder=here)
    assert done.returncode == 0, done.stderr
    code = """
import json
pc, bp = json.load(open("r/summary.json"))["results"]
assert pc["accuracy"]["mean"] > 0.8 and bp["accuracy"]["mean"] > 0.8
# 32 x (64 x 32 + 32 x 10) forward, as much for the gradients, and 320 for one pull.
assert bp["per_update"]["macs"] == 32 * (2 * (64 * 32 + 32 * 10) + 32 * 10)
assert pc["per_update"]["energy_j"] > bp["per_update"]["energy_j"] > 0
"""
    assert python("-c", code, folder=here).stderr == ""


def test_its_pull_is_the_derivative_of_its_forward(here):
    code = """
import square
import numpy as np
from pcsim.network import graph_of
from pcsim.engine.operators import OPERATIONS
graph = graph_of([5], [{"name": "y", "branches": [{"from": "x", "map": ["square"]}]}])
term = next(graph.nodes[0].terms)
operation = OPERATIONS["square"](term, {}, 3, "float64")
x, d = np.random.default_rng(0).standard_normal((2, 3, 5))
operation.forward(x)
pulled, step = operation.pull(d), 1e-6
for i in range(5):
    moved = np.eye(5)[i] * step
    slope = (operation.forward(x + moved) - operation.forward(x - moved)) / (2 * step)
    assert np.allclose((slope * d)[:, i], pulled[:, i], atol=1e-8)
"""
    assert python("-c", code, folder=here).stderr == ""


def test_what_it_costs_is_what_it_computes(here):
    code = """
import square
from pcsim.network import graph_of
from pcsim.program import backpropagation

nodes = [
    {"name": "z", "branches": [{"from": "x", "map": [["dense", {"units": 4}], "square"]}]},
    {"name": "y", "branches": [{"from": "z", "map": ["square", ["dense", {"units": 2}]]}]},
]
program = backpropagation(graph_of([3], nodes), "mse", batch=5, optimiser="sgd")
# Forward one multiplication of four values in each node, back two.
assert program.elementwise()["multiply"] == 5 * 2 * 4 * (1 + 2)
"""
    assert python("-c", code, folder=here).stderr == ""


def test_without_consent_no_file_is_run(here):
    done = python("-m", "pcsim", "check", "squares.yaml", folder=here)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "pcsim: squares.yaml:4:14: extensions[0] must be allowed in the command, as it names a program"
    )
    assert "square'" not in done.stderr


def test_a_name_that_is_taken_is_refused(here):
    code = """
from pcsim.extend import Operation, Operator, register_operator
class Mine(Operator):
    name = "dense"
try:
    register_operator(Mine, Operation, None)
except ValueError as error:
    assert str(error) == "there is an operator 'dense' already"
else:
    raise SystemExit("not refused")
"""
    done = python("-c", code, folder=here)
    assert done.returncode == 0, done.stderr
